// Pins: gzip and zip streams and a zip file on disc, read back; broken data gives its exception.
import java.io.*;
import java.nio.file.attribute.FileTime;
import java.util.zip.*;

public class Main {
    public static void main(String[] args) throws Exception {
        byte[] text = "compress me, please. ".repeat(2000).getBytes();
        ByteArrayOutputStream b = new ByteArrayOutputStream();
        try (GZIPOutputStream g = new GZIPOutputStream(b)) {
            g.write(text);
        }
        byte[] back = new GZIPInputStream(new ByteArrayInputStream(b.toByteArray())).readAllBytes();
        System.out.println(back.length == text.length && b.size() < 500);
        try (ZipOutputStream z = new ZipOutputStream(new FileOutputStream("a.zip"))) {
            for (String n : new String[] {"one.txt", "dir/", "dir/日本.txt"}) {
                ZipEntry e = new ZipEntry(n);
                e.setLastModifiedTime(FileTime.fromMillis(1_000_000_000_000L));
                z.putNextEntry(e);
                if (!e.isDirectory()) z.write(("content of " + n).getBytes());
                z.closeEntry();
            }
            try {
                z.putNextEntry(new ZipEntry("one.txt"));
            } catch (ZipException e) {
                System.out.println(e.getMessage());
            }
        }
        try (ZipFile z = new ZipFile("a.zip")) {
            z.stream().forEach(e -> System.out.println(e.getName() + " " + e.getSize() + " " + e.isDirectory() + " " + Long.toHexString(e.getCrc())));
            System.out.println(new String(z.getInputStream(z.getEntry("dir/日本.txt")).readAllBytes()));
        }
        Inflater i = new Inflater();
        i.setInput(new byte[] {1, 2, 3, 4});
        try {
            i.inflate(new byte[10]);
        } catch (DataFormatException e) {
            System.out.println(e.getMessage());
        }
        new GZIPInputStream(new ByteArrayInputStream("nonsense!!".getBytes()));
    }
}
