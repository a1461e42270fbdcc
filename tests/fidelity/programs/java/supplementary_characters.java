// Pins: code points beyond the BMP, surrogates, normalisation, encodings and their errors.
import java.nio.ByteBuffer;
import java.nio.charset.*;
import java.text.*;
import java.util.*;
import java.util.stream.*;

public class Main {
    public static void main(String[] args) throws Exception {
        String s = "a𝄞é🙂e\u0301ß\uD800z";
        System.out.println(s.length() + " " + s.codePointCount(0, s.length()) + " " + s.codePoints().mapToObj(Integer::toHexString).collect(Collectors.joining(",")));
        System.out.println(new StringBuilder("x🙂y").reverse() + " " + Character.getName(0x1D11E) + " " + Character.isLetter(0x1F642) + " " + Character.toChars(0x1F642).length);
        System.out.println(s.toUpperCase(Locale.ROOT).length() + " " + "ΌΔΟΣ".toLowerCase(Locale.ROOT) + " " + s.indexOf(0x1F642) + " " + s.offsetByCodePoints(0, 4));
        System.out.println(Normalizer.normalize("é", Normalizer.Form.NFD).length() + " " + Normalizer.normalize("e\u0301ﬁ", Normalizer.Form.NFKC));
        for (String cs : new String[] {"UTF-8", "UTF-16", "UTF-16LE", "ISO-8859-1", "US-ASCII", "UTF-32BE", "windows-1252", "Shift_JIS"}) {
            System.out.println(cs + " " + HexFormat.of().formatHex("é日🙂".getBytes(cs)));
        }
        System.out.println(new String(new byte[] {(byte) 0xe2, (byte) 0x82, 'x', (byte) 0xff}, StandardCharsets.UTF_8));
        System.out.println("x🙂y".split("").length + " " + "日本".chars().sum() + " " + "\u00a0 x".strip().length() + " " + "straße".equalsIgnoreCase("STRASSE"));
        BreakIterator bi = BreakIterator.getCharacterInstance(Locale.ROOT);
        bi.setText("e\u0301🙂x");
        StringBuilder at = new StringBuilder();
        for (int i = bi.first(); i != BreakIterator.DONE; i = bi.next()) at.append(i).append(' ');
        System.out.println(at);
        System.out.write("bytes: 🙂\n".getBytes(StandardCharsets.UTF_16BE));
        System.out.flush();
        StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(new byte[] {'a', (byte) 0xc3}));
    }
}
