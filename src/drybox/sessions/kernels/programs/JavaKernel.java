import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import jdk.jshell.Diag;
import jdk.jshell.EvalException;
import jdk.jshell.JShell;
import jdk.jshell.Snippet;
import jdk.jshell.SnippetEvent;
import jdk.jshell.SourceCodeAnalysis;
import jdk.jshell.SourceCodeAnalysis.Completeness;
import jdk.jshell.SourceCodeAnalysis.CompletionInfo;
import jdk.jshell.UnresolvedReferenceException;
import jdk.jshell.execution.LocalExecutionControlProvider;
import sun.misc.Signal;

/**
 * Java's kernel: evaluates snippets by JShell in its own JVM, in a session's sandbox.
 * kernels/base.py has the words. Arguments: jars, or folders of them, for the class path of snippets.
 */
final class JavaKernel {
    private static final String[] IMPORTS = {
        "java.io.*", "java.math.*", "java.net.*", "java.nio.file.*", "java.util.*",
        "java.util.concurrent.*", "java.util.function.*", "java.util.regex.*", "java.util.stream.*",
    };
    private static final int MOST_COMPLETIONS = 1000;
    private static final int MOST_TEXT = 256 * 1024; // characters of each text of an error
    private static final int STOP_DELAY = 50; // milliseconds

    private final InputStream requests = new FileInputStream("/proc/self/fd/3");
    private final OutputStream answers = new FileOutputStream("/proc/self/fd/4");
    private final Input input = new Input();
    private final JShell shell;
    private final PrintStream out = System.out;
    private final PrintStream err = System.err;
    private volatile String run; // the id of what is under way
    private volatile boolean interrupted;
    private int count;

    private JavaKernel(String[] jars) throws IOException {
        shell = JShell.builder()
            .executionEngine(new LocalExecutionControlProvider(), Map.of())
            .in(System.in).out(System.out).err(System.err).build();
        for (String jar : jars) addToClasspath(jar);
        for (String name : IMPORTS) shell.eval("import " + name + ";");
        shell.eval("int warm = 1;");
        shell.eval("warm + String.valueOf(List.of(1))");
        shell.snippets().filter(each -> each.kind() != Snippet.Kind.IMPORT).forEach(shell::drop);
    }

    /** A jar, or those in a folder that may be there. */
    private void addToClasspath(String path) throws IOException {
        Path place = Path.of(path);
        if (!Files.isDirectory(place)) {
            if (Files.exists(place)) shell.addToClasspath(path);
            return;
        }
        try (var found = Files.newDirectoryStream(place, "*.jar")) {
            for (Path jar : found) shell.addToClasspath(jar.toString());
        }
    }

    public static void main(String[] jars) throws Exception {
        JavaKernel kernel = new JavaKernel(jars);
        System.setIn(kernel.input);
        Signal.handle(new Signal("INT"), signal -> kernel.interrupt());
        Runtime.getRuntime().addShutdownHook(new Thread(kernel::leave));
        System.gc();
        kernel.send(Map.of("type", "ready"));
        kernel.serve();
        Runtime.getRuntime().halt(0);
    }

    private void serve() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        byte[] buffer = new byte[65536];
        for (int size; (size = requests.read(buffer)) > 0;) {
            int start = 0;
            for (int at = 0; at < size; at++) {
                if (buffer[at] != '\n') continue;
                line.write(buffer, start, at - start);
                start = at + 1;
                answer(new Json(line.toString(StandardCharsets.UTF_8)).object());
                line.reset();
            }
            line.write(buffer, start, size - start);
        }
    }

    private void answer(Map<String, Object> request) {
        String id = String.valueOf(request.get("id"));
        String code = String.valueOf(request.get("code"));
        switch (String.valueOf(request.get("type"))) {
            case "run" -> {
                if (request.get("stdin") instanceof String text) input.give(text);
                runAll(id, code);
                input.give("");
            }
            case "complete" -> complete(id, code, ((Number) request.get("cursor")).intValue());
            case "setup" -> setUp(request.get("env"));
            default -> { }
        }
    }

    /** A JVM has no call for this; the map behind what it shows of its environment has. */
    @SuppressWarnings("unchecked")
    private static void setUp(Object env) {
        try {
            Map<String, String> shown = System.getenv();
            var behind = shown.getClass().getDeclaredField("m");
            behind.setAccessible(true);
            if (env instanceof Map<?, ?> named) {
                ((Map<String, String>) behind.get(shown)).putAll((Map<String, String>) named);
            }
        } catch (ReflectiveOperationException | RuntimeException error) {
            System.err.println("The session's variables cannot be set: " + error);
        }
    }

    // --- snippets ---------------------------------------------------------------------

    private void runAll(String id, String code) {
        count++;
        interrupted = false;
        if (System.out == null) System.setOut(out);
        if (System.err == null) System.setErr(err);
        run = id;
        try {
            evaluate(id, code);
        } catch (RuntimeException | Error error) {
            fail(id, error.getClass().getSimpleName(), String.valueOf(error.getMessage()), "");
        }
        flush();
        synchronized (this) {
            run = null;
            send(Map.of("type", "done", "id", id, "execution_count", count));
        }
    }

    private void evaluate(String id, String code) {
        SourceCodeAnalysis analysis = shell.sourceCodeAnalysis();
        String rest = code;
        SnippetEvent shown = null;
        while (!rest.isBlank()) {
            CompletionInfo info = analysis.analyzeCompletion(rest);
            if (info.completeness() == Completeness.EMPTY) break; // comments alone
            boolean isLast = info.source() == null;
            String source = isLast ? rest : info.source();
            rest = isLast ? "" : info.remaining();
            shown = null;
            for (SnippetEvent event : shell.eval(source)) {
                if (interrupted) {
                    fail(id, "Interrupted", "the code was interrupted", "");
                    return;
                }
                if (event.causeSnippet() != null) continue;
                if (event.status() == Snippet.Status.REJECTED) {
                    String text = diagnostics(event.snippet(), source);
                    fail(id, "CompileError", text.lines().findFirst().orElse(""), text, true);
                    return;
                }
                if (event.exception() != null) {
                    raise(id, event.exception());
                    return;
                }
                shown = event;
            }
            if (interrupted) {
                fail(id, "Interrupted", "the code was interrupted", "");
                return;
            }
        }
        if (shown == null || shown.value() == null) return;
        boolean isValue = shown.snippet().kind() == Snippet.Kind.EXPRESSION
            || shown.snippet().subKind() == Snippet.SubKind.TEMP_VAR_EXPRESSION_SUBKIND;
        if (!isValue || shown.value().isEmpty()) return;
        Map<String, Object> data = Map.of("text/plain", shown.value());
        flush();
        send(Map.of("type", "result", "id", id, "data", data, "metadata", Map.of()));
    }

    private String diagnostics(Snippet snippet, String source) {
        StringBuilder text = new StringBuilder();
        shell.diagnostics(snippet).forEach(diag -> {
            if (text.length() > 0) text.append('\n');
            text.append(diag.isError() ? "error: " : "warning: ");
            text.append(diag.getMessage(Locale.ROOT)).append('\n');
            place(text, source, diag);
        });
        return text.length() > 0 ? text.toString() : "error: this is no Java";
    }

    /** The line of the source that a message is about, with its place marked. */
    private static void place(StringBuilder text, String source, Diag diag) {
        int at = (int) Math.max(0, Math.min(diag.getPosition(), source.length()));
        int start = source.lastIndexOf('\n', at - 1) + 1;
        int end = source.indexOf('\n', at);
        text.append(source, start, end < 0 ? source.length() : end).append('\n');
        text.append(" ".repeat(at - start)).append('^');
    }

    private void raise(String id, Exception exception) {
        if (exception instanceof EvalException thrown) {
            String name = thrown.getExceptionClassName();
            String message = thrown.getMessage() == null ? "" : thrown.getMessage();
            StringBuilder trace = new StringBuilder(name + (message.isEmpty() ? "" : ": " + message));
            for (StackTraceElement at : thrown.getStackTrace()) trace.append("\n    at ").append(at);
            for (Throwable cause = thrown.getCause(); cause != null; cause = cause.getCause()) {
                String of = cause instanceof EvalException e ? e.getExceptionClassName() : cause.toString();
                trace.append("\nCaused by: ").append(of).append(": ").append(cause.getMessage());
            }
            fail(id, name, message, trace.toString());
        } else if (exception instanceof UnresolvedReferenceException missing) {
            StringBuilder text = new StringBuilder("it uses what is not declared:");
            shell.unresolvedDependencies(missing.getSnippet()).forEach(name -> text.append(' ').append(name));
            fail(id, "UnresolvedReferenceException", text.toString(), text.toString());
        } else {
            fail(id, exception.getClass().getSimpleName(), String.valueOf(exception.getMessage()), "");
        }
    }

    private void fail(String id, String name, String value, String trace) {
        fail(id, name, value, trace, false);
    }

    private void fail(String id, String name, String value, String trace, boolean compile) {
        flush();
        send(Map.of("type", "error", "id", id, "name", cut(name), "value", cut(value),
            "traceback", cut(trace), "compile", compile));
    }

    /** Snippets may have put others in the place of both, or nothing. */
    private void flush() {
        for (PrintStream stream : new PrintStream[] {System.out, System.err, out, err}) {
            if (stream != null) stream.flush();
        }
    }

    /** Standard input: what the run that is under way was given. */
    private static final class Input extends InputStream {
        private InputStream held = InputStream.nullInputStream();

        synchronized void give(String text) {
            held = new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public synchronized int read() throws IOException {
            return held.read();
        }

        @Override
        public synchronized int read(byte[] into, int start, int size) throws IOException {
            return held.read(into, start, size);
        }

        @Override
        public synchronized int available() throws IOException {
            return held.available();
        }
    }

    /** A text without its middle if it is too long: such an answer would be let go whole. */
    private static String cut(String text) {
        int leftOut = text.length() - MOST_TEXT;
        if (leftOut <= 0) return text;
        return text.substring(0, MOST_TEXT / 2) + "\n[" + leftOut + " characters left out]\n"
            + text.substring(text.length() - MOST_TEXT / 2);
    }

    /** Stops what runs, and what begins to run meanwhile, until the run has ended. */
    private void interrupt() {
        String id = run;
        if (id == null) return;
        interrupted = true;
        Thread stopper = new Thread(() -> {
            while (id.equals(run)) {
                shell.stop();
                try {
                    Thread.sleep(STOP_DELAY);
                } catch (InterruptedException never) {
                    return;
                }
            }
        });
        stopper.setDaemon(true);
        stopper.start();
    }

    /** System.exit: the run that called it ends with the kernel. */
    private synchronized void leave() {
        String id = run;
        run = null;
        if (id == null) return;
        flush();
        send(Map.of("type", "done", "id", id, "execution_count", count, "ending", true));
    }

    private void complete(String id, String code, int cursor) {
        int[] anchor = {cursor};
        List<Object> matches = new ArrayList<>();
        for (var each : shell.sourceCodeAnalysis().completionSuggestions(code, cursor, anchor)) {
            if (matches.size() < MOST_COMPLETIONS && !matches.contains(each.continuation())) {
                matches.add(each.continuation());
            }
        }
        send(Map.of("type", "completions", "id", id, "matches", matches, "start", anchor[0], "end", cursor));
    }

    // --- words ------------------------------------------------------------------------

    private synchronized void send(Map<String, Object> document) {
        StringBuilder text = new StringBuilder();
        Json.write(text, document);
        try {
            answers.write(text.append('\n').toString().getBytes(StandardCharsets.UTF_8));
        } catch (IOException gone) {
            Runtime.getRuntime().halt(1);
        }
    }

    /** The little of JSON that goes over the channel. */
    private static final class Json {
        private final String text;
        private int at;

        Json(String text) {
            this.text = text;
        }

        Map<String, Object> object() {
            Map<String, Object> found = new LinkedHashMap<>();
            take('{');
            while (peek() != '}') {
                String name = string();
                take(':');
                found.put(name, value());
                if (peek() == ',') at++;
            }
            at++;
            return found;
        }

        private Object value() {
            char next = peek();
            if (next == '"') return string();
            if (next == '{') return object();
            int start = at;
            while (at < text.length() && ",}] ".indexOf(text.charAt(at)) < 0) at++;
            String word = text.substring(start, at);
            return switch (word) {
                case "true" -> true;
                case "false" -> false;
                case "null" -> "";
                default -> Double.valueOf(word);
            };
        }

        private String string() {
            StringBuilder found = new StringBuilder();
            take('"');
            for (char next; (next = text.charAt(at++)) != '"';) {
                if (next != '\\') {
                    found.append(next);
                    continue;
                }
                char escape = text.charAt(at++);
                switch (escape) {
                    case 'n' -> found.append('\n');
                    case 't' -> found.append('\t');
                    case 'r' -> found.append('\r');
                    case 'b' -> found.append('\b');
                    case 'f' -> found.append('\f');
                    case 'u' -> {
                        found.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                        at += 4;
                    }
                    default -> found.append(escape);
                }
            }
            return found.toString();
        }

        private char peek() {
            while (text.charAt(at) == ' ') at++;
            return text.charAt(at);
        }

        private void take(char wanted) {
            if (peek() != wanted) throw new IllegalArgumentException("no " + wanted + " at " + at);
            at++;
        }

        static void write(StringBuilder text, Object value) {
            if (value instanceof Map<?, ?> fields) {
                char before = '{';
                if (fields.isEmpty()) text.append('{');
                for (var field : fields.entrySet()) {
                    text.append(before);
                    write(text, field.getKey());
                    text.append(':');
                    write(text, field.getValue());
                    before = ',';
                }
                text.append('}');
            } else if (value instanceof List<?> items) {
                char before = '[';
                if (items.isEmpty()) text.append('[');
                for (Object item : items) {
                    text.append(before);
                    write(text, item);
                    before = ',';
                }
                text.append(']');
            } else if (value instanceof String string) {
                text.append('"');
                for (int at = 0; at < string.length(); at++) {
                    char next = string.charAt(at);
                    if (next == '"' || next == '\\') text.append('\\').append(next);
                    else if (next < ' ' || Character.isSurrogate(next)) text.append(String.format("\\u%04x", (int) next));
                    else text.append(next);
                }
                text.append('"');
            } else {
                text.append(value);
            }
        }
    }
}
