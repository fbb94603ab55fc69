// SPDX-License-Identifier: BSD-2-Clause
// Small kernels of the kinds that programs for Node are made of. Prints "row", the name and the milliseconds of the best of
// five rounds. Arguments: the beginnings of names (none: all).
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const zlib = require('zlib');
const { Worker, isMainThread, parentPort } = require('worker_threads');

if (!isMainThread) {
    parentPort.on('message', (value) => parentPort.postMessage(value));
    return;
}

const ROUNDS = 5;
const kernels = [];
const kernel = (name, run) => kernels.push({ name: 'node, ' + name, run });

kernel('typed arrays', () => {
    const a = new Float64Array(1 << 18), b = new Uint32Array(1 << 18);
    for (let round = 0; round < 4; round++)
        for (let i = 0; i < a.length; i++) {
            b[i] = (Math.imul(b[i] + i, 2654435761) >>> 0);
            a[i] += b[i] / 4294967296;
        }
    return a[1000];
});

const records = Array.from({ length: 2000 }, (_, i) => ({ id: i, name: `record ${i}`, tags: ['a', 'b', String(i)], price: i * 1.25, on: i % 2 === 0 }));

kernel('JSON', () => {
    for (let i = 0; i < 5; i++)
        JSON.parse(JSON.stringify(records));
});

kernel('Map and Set', () => {
    const map = new Map(), set = new Set();
    for (let i = 0; i < 60000; i++) {
        map.set('key' + (i * 7919 % 30011), i);
        set.add(i & 4095);
    }
    let sum = 0;
    for (const [key, value] of map)
        sum += key.length + value;
    return sum + set.size;
});

const text = Array.from({ length: 4000 }, (_, i) => `user${i}@host${i % 7}.example key=${i * i};`).join(' ');

kernel('regular expressions', () => {
    let n = 0;
    for (const pattern of [/(\w+)@(\w+)\.example/g, /key=(\d+);/g, /\bhost[3-5]\b/g])
        for (const match of text.matchAll(pattern))
            n += match[0].length;
    return n + text.replace(/\d+/g, (m) => m + m).length;
});

kernel('promises', async () => {
    let sum = 0;
    const step = async (i) => { await null; sum += i; };
    for (let i = 0; i < 100; i++)
        await Promise.all(Array.from({ length: 100 }, (_, j) => step(j)));
    return sum;
});

kernel('timers', async () => {
    for (let i = 0; i < 300; i++)
        await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 1));
});

kernel('Buffer', () => {
    let sum = 0;
    for (let i = 0; i < 60; i++) {
        const b = Buffer.alloc(200000, i);
        b.writeUInt32LE(i, 4);
        sum += Buffer.from(b.toString('base64'), 'base64').indexOf(255) + Buffer.concat([b, b]).length;
    }
    return sum;
});

kernel('files, synchronous', () => {
    const name = '/dev/shm/aril-bench-node', data = Buffer.alloc(20000, 65);
    for (let i = 0; i < 200; i++) {
        fs.writeFileSync(name, data);
        if (fs.readFileSync(name).length !== fs.statSync(name).size)
            throw new Error('size');
    }
    fs.unlinkSync(name);
});

kernel('files, asynchronous', async () => {
    const name = '/dev/shm/aril-bench-node', data = Buffer.alloc(20000, 65);
    for (let i = 0; i < 60; i++) {
        await fs.promises.writeFile(name, data);
        await fs.promises.readFile(name);
    }
    fs.unlinkSync(name);
});

let worker;
kernel('messages to a worker', async () => {
    if (!worker) {
        worker = new Worker(__filename);
        await new Promise((resolve) => worker.once('online', resolve));
    }
    for (let i = 0; i < 300; i++)
        await new Promise((resolve) => { worker.once('message', resolve); worker.postMessage({ i }); });
});

kernel('hashes', () => {
    const data = Buffer.alloc(65536, 7);
    for (let i = 0; i < 30; i++)
        crypto.createHash('sha256').update(data).digest('hex');
    for (let i = 0; i < 500; i++)
        crypto.createHash('md5').update('message ' + i).digest();
});

kernel('zlib', () => zlib.inflateSync(zlib.deflateSync(text + text)).length);

kernel('sort', () => {
    let x = 12345;
    const numbers = Array.from({ length: 60000 }, () => (x = (Math.imul(x, 1103515245) + 12345) >>> 0));
    numbers.sort((a, b) => a - b);
    return numbers.map(String).sort()[0];
});

class Shape { area() { return 0; } }
class Square extends Shape { constructor(a) { super(); this.a = a; } area() { return this.a * this.a; } }
class Circle extends Shape { constructor(r) { super(); this.r = r; } area() { return 3 * this.r * this.r; } }
class Ring extends Circle { constructor(r, h) { super(r); this.h = h; } area() { return super.area() - 3 * this.h * this.h; } }

kernel('classes', () => {
    let sum = 0;
    for (let round = 0; round < 20; round++) {
        const shapes = Array.from({ length: 10000 }, (_, i) => (i % 3 === 0 ? new Square(i) : i % 3 === 1 ? new Circle(i) : new Ring(i, i / 2)));
        for (const shape of shapes)
            sum += shape.area();
    }
    return sum;
});

async function main() {
    const wanted = process.argv.slice(2);
    for (const { name, run } of kernels) {
        if (wanted.length && !wanted.some((w) => name.startsWith(w)))
            continue;
        let best = Infinity;
        for (let i = 0; i < ROUNDS; i++) {
            const start = process.hrtime.bigint();
            await run();
            best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e6);
        }
        console.log(`row\t${name}, ms\t${best.toPrecision(4)}`);
    }
    if (worker)
        await worker.terminate();
}

main();
