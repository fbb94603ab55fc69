// SPDX-License-Identifier: BSD-2-Clause
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.SynchronousQueue;
import java.util.regex.Pattern;

/**
 * Small kernels of the kinds that Java programs are made of. Prints "row", the name and the milliseconds of the best of five
 * rounds. Arguments: the beginnings of names (none: all).
 */
public class Java {
    interface Kernel {
        long run() throws Exception;
    }

    static final int ROUNDS = 5;
    static final List<String> names = new ArrayList<>();
    static final List<Kernel> kernels = new ArrayList<>();

    static void kernel(String name, Kernel run) {
        names.add("java, " + name);
        kernels.add(run);
    }

    static long numbers() {
        long x = 1, sum = 0;
        for (int i = 0; i < 3_000_000; i++) {
            x ^= x << 13;
            x ^= x >>> 7;
            x ^= x << 17;
            sum += x & 255;
        }
        return sum;
    }

    static long maps() {
        HashMap<String, Integer> map = new HashMap<>();
        for (int i = 0; i < 50_000; i++)
            map.merge("key" + i * 7919 % 20011, 1, Integer::sum);
        return map.values().stream().mapToInt(Integer::intValue).sum();
    }

    static long garbage() {
        byte[][] held = new byte[64][];
        long sum = 0;
        for (int i = 0; i < 20_000; i++) {
            held[i % 64] = new byte[2000 + i % 1000];
            sum += held[i * 7 % 64] == null ? 0 : held[i * 7 % 64].length;
        }
        return sum;
    }

    static long strings() {
        StringBuilder builder = new StringBuilder();
        for (int i = 0; i < 10_000; i++)
            builder.append("word").append(i).append(' ');
        return Pattern.compile("word(\\d*)5 ").matcher(builder).results().count();
    }

    static long sort() {
        int[] numbers = new int[200_000];
        int x = 12345;
        for (int i = 0; i < numbers.length; i++)
            numbers[i] = x = x * 1103515245 + 12345;
        Arrays.sort(numbers);
        return numbers[0];
    }

    static long files() throws Exception {
        Path path = Path.of("/dev/shm/aril-bench-java");
        byte[] data = new byte[20_000];
        long sum = 0;
        for (int i = 0; i < 100; i++) {
            Files.write(path, data);
            sum += Files.readAllBytes(path).length;
        }
        Files.delete(path);
        return sum;
    }

    static long handOver() throws Exception {
        SynchronousQueue<Integer> to = new SynchronousQueue<>(), fro = new SynchronousQueue<>();
        Thread thread = new Thread(() -> {
            try {
                for (int i = 0; i < 300; i++)
                    fro.put(to.take());
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
        thread.start();
        long sum = 0;
        for (int i = 0; i < 300; i++) {
            to.put(i);
            sum += fro.take();
        }
        thread.join();
        return sum;
    }

    static long threads() throws Exception {
        long[] sums = new long[40];
        for (int i = 0; i < sums.length; i++) {
            final int me = i;
            Thread thread = new Thread(() -> sums[me] = me);
            thread.start();
            thread.join();
        }
        return Arrays.stream(sums).sum();
    }

    public static void main(String[] args) throws Exception {
        kernel("numbers", Java::numbers);
        kernel("maps", Java::maps);
        kernel("garbage", Java::garbage);
        kernel("strings", Java::strings);
        kernel("sort", Java::sort);
        kernel("files", Java::files);
        kernel("hand-over between threads", Java::handOver);
        kernel("threads", Java::threads);
        long unused = 0;
        for (int k = 0; k < kernels.size(); k++) {
            final String name = names.get(k);
            if (args.length > 0 && Arrays.stream(args).noneMatch(name::startsWith))
                continue;
            double best = Double.MAX_VALUE;
            for (int i = 0; i < ROUNDS; i++) {
                long start = System.nanoTime();
                unused += kernels.get(k).run();
                best = Math.min(best, (System.nanoTime() - start) / 1e6);
            }
            System.out.printf("row\t%s, ms\t%.4g%n", name, best);
        }
        if (unused == 42)
            System.out.println("unlikely");
    }
}
