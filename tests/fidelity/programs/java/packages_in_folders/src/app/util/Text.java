package app.util;

public final class Text {
    private Text() {}

    public static String frame(String s) {
        String bar = "-".repeat(s.length() + 2);
        return bar + "\n|" + s + "|\n" + bar;
    }
}
