import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.tools.ForwardingJavaFileObject;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * javac for an entry file that is not called after its public class, which 'java FILE' takes too:
 * AnyName ENTRY OPTION... -- SOURCE...
 */
final class AnyName {
    public static void main(String[] args) {
        int end = Arrays.asList(args).indexOf("--");
        List<String> options = Arrays.asList(args).subList(1, end);
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager files =
            compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8);
        List<JavaFileObject> sources = new ArrayList<>();
        for (String path : Arrays.asList(args).subList(end + 1, args.length)) {
            JavaFileObject file = files.getJavaFileObjects(path).iterator().next();
            sources.add(path.equals(args[0]) ? new Entry(file) : file);
        }
        boolean compiles = compiler.getTask(null, files, null, options, null, sources).call();
        System.exit(compiles ? 0 : 1);
    }

    private static final class Entry extends ForwardingJavaFileObject<JavaFileObject> {
        Entry(JavaFileObject file) {
            super(file);
        }

        @Override
        public boolean isNameCompatible(String name, Kind kind) {
            return kind == Kind.SOURCE;
        }
    }
}
