# Pins down local time from the TZ variable of the case, and time.tzset at run time.
import datetime
import os
import time

for zone in (None, "America/Sao_Paulo", "EST5EDT,M3.2.0,M11.1.0", "<+0545>-5:45", "UTC", ":Europe/Moscow"):
    if zone:
        os.environ["TZ"] = zone
        time.tzset()
    print(os.environ["TZ"], time.tzname, time.timezone, time.daylight)
    for stamp in (0, 1_700_000_000, 1_720_000_000):
        print("  ", time.strftime("%Y-%m-%d %H:%M:%S %Z %z", time.localtime(stamp)), datetime.datetime.fromtimestamp(stamp))
print(time.mktime((2024, 1, 1, 0, 0, 0, 0, 0, -1)), time.gmtime(1e9)[:6], time.asctime(time.gmtime(0)))
