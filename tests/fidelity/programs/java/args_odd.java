// Pins: arguments arrive unchanged: spaces, empty, unicode, dashes, newline, quotes, @, glob and shell characters.
public class Main {
    public static void main(String... args) {
        System.out.println(args.length);
        for (String a : args) {
            System.out.println(a.length() + " <" + a.replace("\n", "\\n").replace("\033", "ESC") + ">");
        }
    }
}
