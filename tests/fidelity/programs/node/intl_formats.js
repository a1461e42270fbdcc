// Pins down Intl with full ICU data: numbers, dates, zones, plurals, collation, lists, case mapping.
const when = new Date(Date.UTC(2024, 6, 14, 12, 30, 45, 678));
for (const [locale, zone] of [['en-US', 'America/New_York'], ['de-DE', 'Europe/Berlin'], ['ja-JP', 'Asia/Tokyo'], ['ar-EG', 'Africa/Cairo'], ['hi-IN', 'Asia/Kolkata']]) {
  console.log(locale, new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'long', timeZone: zone }).format(when));
  console.log(' ', new Intl.NumberFormat(locale, { style: 'currency', currency: 'EUR' }).format(-1234567.891));
}
console.log((1234567.891).toLocaleString('fr-FR'), (0.256).toLocaleString('en', { style: 'percent' }), (1e21).toLocaleString('en-IN'));
console.log(new Intl.NumberFormat('en', { notation: 'compact' }).format(98765), new Intl.NumberFormat('pl', { style: 'unit', unit: 'liter' }).format(3));
console.log(['1', '2', '3', '11'].map((n) => new Intl.PluralRules('ru').select(n)), new Intl.ListFormat('en').format(['a', 'b', 'c']));
console.log(['z', 'ä', 'a', 'Z', 'ö'].sort(new Intl.Collator('sv').compare), ['z', 'ä', 'a'].sort(new Intl.Collator('de').compare), ['ä', 'z'].sort());
console.log(new Intl.RelativeTimeFormat('es').format(-3, 'day'), new Intl.DisplayNames('nl', { type: 'region' }).of('JP'));
console.log('İstanbul ISSIZ'.toLocaleLowerCase('tr'), 'ß'.toUpperCase(), [...new Intl.Segmenter('th', { granularity: 'word' }).segment('สวัสดีชาวโลก')].length);
console.log(new Intl.NumberFormat().resolvedOptions().locale, when.toISOString(), when.toJSON(), when.toUTCString());
new Intl.DateTimeFormat('en', { timeZone: 'Mars/Olympus' });
