// Pins: String.format, NumberFormat and case mapping under fixed locales; the default locale of the surroundings.
import java.text.*;
import java.util.*;

public class Main {
    public static void main(String[] args) throws Exception {
        System.out.println(String.format(Locale.ROOT, "%5d|%-5d|%05d|%+d|%x|%X|%o|%,d|%(d", 42, 42, 42, 42, 255, 255, 8, 1234567, -5));
        System.out.println(String.format(Locale.US, "%f|%.2f|%10.3f|%e|%g|%a|%.0f", Math.PI, Math.E, -1.5, 123456.789, 1e-5, 1.0, 2.5));
        System.out.println(String.format("%s|%10s|%-10s|%.2s|%c|%b|%n|%%|%h|%2$s", "a", "right", "left", "cut", 0x1F600, null, "hi").replace("\n", "NL"));
        for (Locale l : new Locale[] {Locale.US, Locale.GERMANY, Locale.FRANCE, new Locale("hi", "IN"), new Locale("tr", "TR")}) {
            System.out.println(l + " " + NumberFormat.getInstance(l).format(1234567.891) + " " + String.format(l, "%,.2f", 9876.5) + " " + "TITLE i".toLowerCase(l) + "title".toUpperCase(l) + " " + l.getDisplayLanguage(Locale.ENGLISH));
        }
        DecimalFormat d = new DecimalFormat("#,##0.00;(#)", DecimalFormatSymbols.getInstance(Locale.ROOT));
        System.out.println(d.format(-1234.567) + " " + d.parse("12.5x") + " " + new ChoiceFormat("0#none|1#one|1<many").format(7));
        System.out.println(MessageFormat.format("{0} has {1,number,#.#} '{2}' {1}", "x", 2.55, "q"));
        SimpleDateFormat s = new SimpleDateFormat("yyyy-MM-dd EEE HH:mm:ss z", Locale.ENGLISH);
        s.setTimeZone(TimeZone.getTimeZone("America/Sao_Paulo"));
        System.out.println(s.format(new Date(1700000000000L)));
        System.out.println(Locale.getDefault() + " " + 1e7 + " " + 1.0E-5f + " " + 100.0 + " " + Double.MIN_VALUE + " " + (float) 1e10 + " " + 123456789.0f);
        System.out.printf("%d%n", 1.5);
    }
}
