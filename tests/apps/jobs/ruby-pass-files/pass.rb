# One thread sends files to two others over a socket that is often full; the sender polls for room.
require 'socket'
require 'io/nonblock'

file, = IO.pipe
from, to = UNIXSocket.pair
from.nonblock = to.nonblock = true
readers = 2.times.map { Thread.new { 1000.times { to.recv_io.close }; true } }
2000.times { from.send_io file }
p readers.map(&:value)
