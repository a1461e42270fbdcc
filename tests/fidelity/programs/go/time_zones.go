// Pins: the system's zone files are there: fixed instants in several zones, gaps and overlaps, parsing.
package main

import (
	"fmt"
	"time"
)

func main() {
	at := time.Unix(1700000000, 123456789)
	for _, n := range []string{"UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "No/Such"} {
		loc, err := time.LoadLocation(n)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(n, at.In(loc).Format(time.RFC1123Z+" MST .000"), time.Date(2021, 3, 28, 2, 30, 0, 0, loc).Format(time.RFC3339))
	}
	paris, _ := time.LoadLocation("Europe/Paris")
	d := time.Date(2024, 1, 31, 12, 0, 0, 0, paris)
	y, w := d.ISOWeek()
	fmt.Println(d.AddDate(0, 1, 0), d.YearDay(), y, w, d.Weekday(), d.Truncate(24*time.Hour).UTC())
	t, err := time.ParseInLocation("2 Jan 2006 15h04", "15 Aug 1999 07h08", paris)
	fmt.Println(t, err, t.Sub(d).Round(time.Hour), t.IsDST())
	_, err = time.Parse(time.RFC3339, "2024-02-30T00:00:00Z")
	fmt.Println(err)
	dur, err := time.ParseDuration("1h15m30.918273645s")
	fmt.Println(dur, err, dur.Truncate(time.Millisecond), time.Duration(1500)*time.Microsecond)
}
