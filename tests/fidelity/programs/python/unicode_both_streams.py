# Pins down Unicode text (wide, combining, emoji, NUL, ANSI, CR) on both streams.
import sys
import unicodedata

lines = [
    "Grüße, Ωmega, Привет, 日本語, العربية",
    "e\u0301 composed: " + unicodedata.normalize("NFC", "e\u0301"),
    "family \U0001F468\u200D\U0001F469\u200D\U0001F467 flag \U0001F1F3\U0001F1F1 skin \U0001F44B\U0001F3FD",
    "nul[\0] bell[\a] tab[\t] vt[\v] ff[\f] bs[\b] del[\x7f] c1[\x85]",
    "\x1b[1;31mred bold\x1b[0m \x1b]0;title\x07\x1b[2K",
    "overwritten\rkept\r\nafter CRLF",
    "line sep\u2028para sep\u2029bom\ufeffrtl\u202eabc\u202c",
]
for line in lines:
    print(len(line), len(line.encode()), line)
    print(line, file=sys.stderr)
