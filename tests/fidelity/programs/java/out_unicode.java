// Pins: source, compiler and console agree on UTF-8; combining marks and joined emoji pass both streams.
public class Main {
    static final String größe = "naïve Ünïcödé";

    public static void main(String[] args) {
        String[] words = {größe, "日本語", "עברית", "🙂", "👩‍👩‍👧", "e\u0301", "\u202eabc\u202c", "\uD83D\uDE00", "\uFEFFbom"};
        for (String w : words) {
            System.out.println(w + "|" + w.length() + "|" + w.codePointCount(0, w.length()));
            System.err.println("err " + w);
        }
        System.out.println("lone surrogate \uD800 is replaced");
        System.out.println(java.nio.charset.Charset.defaultCharset());
        System.out.write('\n');
        System.out.flush();
    }
}
