// Pins: java.time with fixed instants in several zones, gaps and overlaps, parsing, periods, formats.
import java.time.*;
import java.time.format.*;
import java.time.temporal.*;
import java.util.Locale;

public class Main {
    public static void main(String[] args) {
        Instant at = Instant.ofEpochSecond(1700000000L, 123456789);
        for (String z : new String[] {"UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "+05:30"}) {
            System.out.println(at.atZone(ZoneId.of(z)) + " " + LocalDateTime.of(2021, 3, 28, 2, 30).atZone(ZoneId.of(z)));
        }
        ZonedDateTime z = ZonedDateTime.of(2024, 10, 27, 2, 30, 0, 0, ZoneId.of("Europe/Berlin"));
        System.out.println(z + " " + z.withLaterOffsetAtOverlap() + " " + z.plusHours(1).equals(z.withLaterOffsetAtOverlap()) + " " + z.plusDays(1).toInstant());
        LocalDate d = LocalDate.of(2024, 1, 31);
        System.out.println(d.plusMonths(1) + " " + d.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR) + " " + d.with(TemporalAdjusters.lastInMonth(DayOfWeek.FRIDAY)) + " " + d.isLeapYear() + " " + ChronoUnit.DAYS.between(d, LocalDate.of(2000, 2, 29)));
        System.out.println(Period.between(LocalDate.of(1999, 12, 31), d) + " " + Duration.ofSeconds(3661, 5).plusDays(1) + " " + Duration.parse("PT1H-3M").toMinutes() + " " + Year.of(1900).isLeap());
        DateTimeFormatter f = DateTimeFormatter.ofPattern("EEEE d MMMM uuuu h:mm a zzz", Locale.ENGLISH);
        System.out.println(f.format(at.atZone(ZoneId.of("Asia/Tokyo"))) + " " + DateTimeFormatter.RFC_1123_DATE_TIME.format(z) + " " + DateTimeFormatter.ISO_WEEK_DATE.format(d));
        System.out.println(DateTimeFormatter.ofLocalizedDate(FormatStyle.FULL).withLocale(Locale.GERMANY).format(d) + " " + ZoneId.of("Europe/Paris").getRules().isDaylightSavings(at));
        try {
            LocalDate.parse("2024-02-30");
        } catch (DateTimeParseException e) {
            System.out.println(e.getMessage());
        }
        ZoneId.of("No/Such");
    }
}
