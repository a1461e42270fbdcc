// Pins: switch expressions with yield, on strings and enums, text blocks, var, labelled breaks, string methods.
public class Main {
    enum Day { MON, TUE, SAT, SUN }

    static int hours(Day d) {
        return switch (d) {
            case SAT, SUN -> 0;
            case TUE -> {
                int h = 4;
                yield h * 2;
            }
            default -> 7;
        };
    }

    public static void main(String[] args) {
        for (Day d : Day.values()) System.out.print(d + "=" + hours(d) + " ");
        String block = """
            {
              "name": "tëxt",\t"tab": true,
              "joined": "one \
            line", trailing\s\s
              ""\" quotes "fine" \\ backslash
            }""";
        System.out.println("\n" + block + "|");
        System.out.print(block.lines().map(String::strip).filter(l -> !l.isBlank()).toList());
        System.out.println("\n" + "a-b".repeat(2) + " ab\n  c".indent(2) + "%5d|%-4s|".formatted(42, "x") + " trim ".strip() + "x".compareTo("y"));
        for (var s : new String[] {"one", "two", "three", "Aa", "BB"}) {
            switch (s) {
                case "one":
                    System.out.print("1 ");
                case "two":
                    System.out.print("falls ");
                    break;
                case "Aa":
                    System.out.print("Aa, same hash as BB ");
                    break;
                case "BB":
                    System.out.println("BB");
                    break;
                default:
                    System.out.print("? ");
            }
        }
        outer:
        for (int i = 0; ; i++) {
            for (int j = 0; j < 5; j++) {
                if (i * j == 6) {
                    System.out.println(i + "," + j);
                    break outer;
                }
                if (j > i) continue outer;
            }
        }
        Day none = null;
        System.out.println(hours(none));
    }
}
