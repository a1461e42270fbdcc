// Pins down local time from the TZ variable of the case, and changing process.env.TZ at run time.
for (const zone of [null, 'America/Sao_Paulo', 'UTC', 'Australia/Lord_Howe', 'Europe/London']) {
  if (zone) process.env.TZ = zone;
  console.log(process.env.TZ, Intl.DateTimeFormat().resolvedOptions().timeZone);
  for (const stamp of [0, 1_700_000_000_000, 1_720_000_000_000]) {
    const date = new Date(stamp);
    console.log('  ', String(date), date.getTimezoneOffset(), date.toLocaleString('en-GB'));
  }
}
process.env.TZ = 'Europe/Berlin';
console.log(new Date(2024, 2, 31, 2, 30).toISOString(), new Date(2024, 9, 27, 2, 30).toISOString(), new Date('2024-01-01T00:00').getTime());
console.log(String(require('child_process').execSync('date -d @1700000000 "+%F %T %Z %z"')).trim());
