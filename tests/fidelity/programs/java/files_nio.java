// Pins: java.nio.file: create, append, copy, move, walk, symlinks, permissions, times, unicode names and errors.
import java.io.IOException;
import java.nio.file.*;
import java.nio.file.attribute.*;
import java.util.*;
import java.util.stream.*;

public class Main {
    interface Act {
        Object run() throws IOException;
    }

    static void show(Act a) {
        try {
            System.out.println(a.run());
        } catch (IOException e) {
            System.out.println(e);
        }
    }

    public static void main(String[] args) throws Exception {
        Path t = Files.createDirectories(Path.of("t", "a", "b")).getParent().getParent();
        Path f = Files.writeString(t.resolve("a/one.txt"), "first\n");
        Files.writeString(f, "zweite Zeile ü\n", StandardOpenOption.APPEND);
        show(() -> Files.readAllLines(f) + " " + Files.size(f));
        show(() -> Files.copy(f, t.resolve("a/b/файл 🙂.txt")));
        show(() -> Files.copy(f, t.resolve("a/b/файл 🙂.txt")));
        show(() -> Files.move(f, t.resolve("moved"), StandardCopyOption.ATOMIC_MOVE));
        show(() -> Files.readString(f));
        show(() -> Files.createSymbolicLink(t.resolve("link"), Path.of("a/b")));
        show(() -> Files.readSymbolicLink(t.resolve("link")) + " " + Files.isDirectory(t.resolve("link")) + " " + Files.isDirectory(t.resolve("link"), LinkOption.NOFOLLOW_LINKS));
        show(() -> PosixFilePermissions.toString(Files.getPosixFilePermissions(Files.setPosixFilePermissions(t.resolve("moved"), PosixFilePermissions.fromString("rwxr-x--x")))));
        show(() -> Files.getLastModifiedTime(Files.setLastModifiedTime(t.resolve("moved"), FileTime.fromMillis(981173106789L))));
        try (Stream<Path> s = Files.walk(t)) {
            System.out.println(s.map(Path::toString).sorted().collect(Collectors.toList()));
        }
        show(() -> Files.deleteIfExists(t.resolve("nope")));
        show(() -> {
            Files.delete(t);
            return "never";
        });
        show(() -> Files.newDirectoryStream(t.resolve("moved")));
        show(() -> Files.createDirectory(t));
        show(() -> Files.readString(Files.write(t.resolve("bad"), new byte[] {(byte) 0xff})));
        Path tmp = Files.createTempFile("fid", ".tmp");
        System.out.println(tmp.getParent() + " " + tmp.toString().endsWith(".tmp") + " " + Files.deleteIfExists(tmp));
        System.out.println(Path.of("x/../y/./z").normalize() + " " + Path.of("a/b").relativize(Path.of("a/c/d")) + " " + FileSystems.getDefault().getPathMatcher("glob:*.{txt,md}").matches(Path.of("k.md")));
        Files.walkFileTree(t, new SimpleFileVisitor<>() {
            public FileVisitResult visitFile(Path p, BasicFileAttributes a) throws IOException {
                Files.delete(p);
                return FileVisitResult.CONTINUE;
            }

            public FileVisitResult postVisitDirectory(Path p, IOException e) throws IOException {
                Files.delete(p);
                return FileVisitResult.CONTINUE;
            }
        });
        System.out.println(Files.exists(t));
    }
}
