// Pins down that the last line of either stream stays without a newline.
process.stdout.write('first line\nlast line of stdout, unterminated');
process.stderr.write('only line of stderr, unterminated');
