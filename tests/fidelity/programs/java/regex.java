// Pins: java.util.regex with groups, lookaround, unicode classes, replacement functions and a syntax error.
import java.util.*;
import java.util.regex.*;
import java.util.stream.*;

public class Main {
    public static void main(String[] args) {
        Matcher m = Pattern.compile("(?m)^(?<key>\\w+)\\s*[=:]\\s*(?<val>.*?)\\s*$").matcher("host = example.org \n port:80\nport:8080\nempty=");
        while (m.find()) System.out.println(m.start() + "-" + m.end() + " " + m.group("key") + "=>" + m.group("val"));
        System.out.println("a1b22c333".replaceAll("(\\d)(?!\\d)", "<$1>") + " " + Pattern.compile("\\d+").matcher("a1b22").replaceAll(r -> "" + r.group().length()));
        System.out.println(Arrays.toString("один, два;3".split("[^\\p{L}\\d]+")) + " " + Arrays.toString("a,b,,".split(",")) + " " + Arrays.toString("a,b,,".split(",", -1)));
        System.out.println("ÄÖü".matches("(?iu)äöÜ") + " " + "🙂x".matches("..") + " " + Pattern.compile("(?<=\\$)\\d+").matcher("cost $42").results().map(MatchResult::group).collect(Collectors.toList()));
        System.out.println("aaaa".replaceFirst("a{2,3}?", "X") + " " + "x.y".replaceAll(Pattern.quote("."), Matcher.quoteReplacement("$\\")) + " " + "abcabc".matches("(abc)\\1"));
        Pattern.compile("a(b[c");
    }
}
