# Pins down time zone data: offsets, folds and gaps for fixed moments, ISO weeks, strftime.
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

moment = datetime(2024, 7, 14, 12, 30, 45, 678901, tzinfo=timezone.utc)
for name in ("UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"):
    local = moment.astimezone(ZoneInfo(name))
    print(name, local.isoformat(), local.tzname(), local.dst())
berlin = ZoneInfo("Europe/Berlin")
for fold in (0, 1):
    print(datetime(2024, 10, 27, 2, 30, fold=fold, tzinfo=berlin).astimezone(timezone.utc))
print(datetime(1890, 1, 1, tzinfo=berlin).utcoffset(), datetime(2024, 3, 31, 2, 30, tzinfo=berlin).utcoffset())
print(date(2021, 1, 3).isocalendar(), moment.strftime("%a %d %b %Y %j %U %-H %p %%"))
print(datetime.fromtimestamp(-1, timezone.utc), datetime.max, timedelta(days=-1, seconds=1))
print(datetime.strptime("29 Feb 2024 +0530", "%d %b %Y %z"))
try:
    ZoneInfo("Mars/Olympus")
except ZoneInfoNotFoundError as error:
    print(error)
