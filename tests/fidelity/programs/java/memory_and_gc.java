// Pins: garbage collection keeps pace with a small heap, weak references are cleared, cleaners run.
import java.lang.ref.*;
import java.util.*;
import java.util.concurrent.*;

public class Main {
    static Object held = new Object();

    public static void main(String[] args) throws Exception {
        long total = 0;
        for (int i = 0; i < 300; i++) {
            byte[] b = new byte[1 << 20];
            b[i] = 1;
            total += b.length;
        }
        System.out.println(total >> 20);
        List<int[]> live = new LinkedList<>();
        for (int i = 0; i < 100_000; i++) live.add(new int[] {i});
        System.out.println(live.stream().mapToLong(a -> a[0]).sum());
        WeakReference<Object> weak = new WeakReference<>(new Object()), strong = new WeakReference<>(held);
        CountDownLatch cleaned = new CountDownLatch(1);
        Cleaner.create().register(new Object(), cleaned::countDown);
        System.gc();
        System.out.println((weak.get() == null) + " " + (strong.get() != null) + " " + cleaned.await(1, TimeUnit.SECONDS));
        WeakHashMap<Object, String> m = new WeakHashMap<>();
        m.put(held, "kept");
        System.out.println(m.size() + " " + (Runtime.getRuntime().maxMemory() > 1 << 20));
        List<String> frames = StackWalker.getInstance().walk(s -> s.map(StackWalker.StackFrame::getMethodName).toList());
        System.out.println(frames);
        System.out.println(System.getProperty("java.specification.version") + " " + System.getProperty("os.name"));
    }
}
