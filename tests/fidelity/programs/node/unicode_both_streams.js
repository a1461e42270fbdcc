// Pins down Unicode text (wide, combining, emoji, NUL, ANSI, lone surrogates) on both streams.
const lines = [
  'Grüße, Ωmega, Привет, 日本語, العربية',
  'e\u0301 composed: ' + 'e\u0301'.normalize('NFC'),
  'family \u{1F468}\u200D\u{1F469}\u200D\u{1F467} flag \u{1F1F3}\u{1F1F1} skin \u{1F44B}\u{1F3FD}',
  'nul[\0] bell[\x07] vt[\v] ff[\f] bs[\b] del[\x7f] c1[\x85]',
  '\x1b[1;31mred bold\x1b[0m \x1b]0;title\x07\x1b[2K',
  'overwritten\rkept\r\nafter CRLF',
  'line sep\u2028para sep\u2029bom\ufeffrtl\u202eabc\u202c',
  'lone \ud800 surrogate \udc00',
];
for (const line of lines) {
  console.log(line.length, [...line].length, Buffer.byteLength(line), line);
  console.error(line);
}
console.log([...new Intl.Segmenter('en').segment(lines[2])].length, lines[7].isWellFormed());
