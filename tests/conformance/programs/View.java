import java.lang.management.ClassLoadingMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.RuntimeMXBean;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Tells of everything that a program can see of how it was started. */
public class Main {
    public static void main(String[] args) throws Exception {
        ClassLoadingMXBean loading = ManagementFactory.getClassLoadingMXBean();
        say(loading.getTotalLoadedClassCount(), loading.getUnloadedClassCount());
        say(new TreeMap<>(System.getProperties()), new TreeMap<>(System.getenv()));
        RuntimeMXBean runtime = ManagementFactory.getRuntimeMXBean();
        say(runtime.getInputArguments(), runtime.getClassPath(), runtime.getLibraryPath());
        ProcessHandle me = ProcessHandle.current();
        say(me.info().commandLine(), Arrays.asList(me.info().arguments().get()), me.info().user());
        say(ProcessHandle.allProcesses().count(), me.children().count(), me.parent().isPresent());
        for (String name : List.of("cmdline", "environ", "limits", "comm", "oom_score_adj")) {
            say(Files.readString(Path.of("/proc/self", name)));
        }
        String status = Files.readString(Path.of("/proc/self/status"));
        say(status.replaceAll("(?s).*SigQ", "").replaceAll("(?s)Mems_allowed.*", ""));
        for (String folder : List.of(".", "/build", "/build/classes", "/tmp", "/proc/self/fd")) {
            list(Path.of(folder));
        }
        Thread.getAllStackTraces().keySet().stream().sorted(Comparator.comparing(Thread::getId))
            .forEach(it -> say(it, it.getId(), it.isDaemon(), it.getContextClassLoader() != null));
        Thread main = Thread.currentThread();
        say(Arrays.asList(main.getStackTrace()), main.getUncaughtExceptionHandler().getClass());
        StackWalker walker = StackWalker.getInstance(StackWalker.Option.SHOW_HIDDEN_FRAMES);
        say(walker.walk(frames -> frames.map(Object::toString).collect(Collectors.toList())));
        Class<?> it = Main.class;
        say(it.getClassLoader().getClass(), it.getClassLoader().getName(), it.getPackage());
        say(it.getProtectionDomain().getCodeSource().getLocation(), it.getResource("Main.class"));
        say(it.getModule().isNamed(), ModuleLayer.boot().modules().stream().sorted(
            Comparator.comparing(Module::getName)).collect(Collectors.toList()));
        Runtime vm = Runtime.getRuntime();
        say(vm.availableProcessors(), vm.maxMemory(), vm.totalMemory());
        say(Locale.getDefault(), TimeZone.getDefault().getID(), Charset.defaultCharset());
        for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
            say(pool.getName(), pool.getUsage().getMax(), pool.getUsage().getInit());
        }
        say(System.in.available(), System.console(), System.identityHashCode(main) != 0);
        deep(0);
        throw new IllegalStateException("the end");
    }

    private static void list(Path folder) throws Exception {
        try (Stream<Path> found = Files.list(folder)) {
            for (Path path : found.sorted().collect(Collectors.toList())) {
                say(path, Files.isRegularFile(path), Files.isDirectory(path));
            }
        }
    }

    private static void deep(int level) {
        if (level == 3) Thread.dumpStack();
        else deep(level + 1);
    }

    private static void say(Object... what) {
        System.out.println(Arrays.asList(what));
    }
}
