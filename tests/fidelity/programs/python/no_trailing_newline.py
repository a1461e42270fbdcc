# Pins down that the last line of either stream stays without a newline.
import sys

sys.stdout.write("first line\nlast line of stdout, unterminated")
sys.stderr.write("only line of stderr, unterminated")
