import com.sun.tools.javac.Main;
import java.io.DataInputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.lang.reflect.Constructor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * Compiles a few sources, waits for a command line of javac, and is javac from there on. It looks
 * for no processors, so that nobody's code but the compiler's runs in this process.
 */
final class WaitingCompiler {
    /** Takes a word that says whether to wait, then how often to compile a source, and its path. */
    public static void main(String[] args) throws Exception {
        Path place = Files.createTempDirectory("javac");
        for (int at = 1; at < args.length; at += 2) {
            for (int times = Integer.parseInt(args[at]); times > 0; times--) {
                practise(args[at + 1], place);
            }
        }
        remove(place);
        System.gc();
        if (args[0].equals("wait")) System.exit(Main.compile(takeJob()));
    }

    private static void practise(String source, Path place) {
        String[] words = {"-encoding", "UTF-8", "-d", place.toString(), "-proc:none", source};
        Main.compile(words, new PrintWriter(Writer.nullWriter()));
    }

    private static void remove(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Object path : paths.sorted(Comparator.reverseOrder()).toArray()) {
                Files.delete((Path) path);
            }
        }
    }

    /** The arguments of the command line that comes; flags of javac's JVM are this one's already. */
    private static String[] takeJob() throws Exception {
        Constructor<FileDescriptor> open = FileDescriptor.class.getDeclaredConstructor(int.class);
        open.setAccessible(true);
        FileDescriptor channel = open.newInstance(100);
        new FileOutputStream(channel).write('W');
        DataInputStream in = new DataInputStream(new FileInputStream(channel));
        byte[] job = new byte[Integer.reverseBytes(in.readInt())];
        in.readFully(job);
        in.close();
        int count = Integer.reverseBytes(ByteBuffer.wrap(job).getInt());
        String[] words = new String(job, 8, job.length - 8, StandardCharsets.UTF_8).split("\0", -1);
        return Arrays.stream(words, 1, count).filter(word -> !word.startsWith("-J")).toArray(String[]::new);
    }
}
