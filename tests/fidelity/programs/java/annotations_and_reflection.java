// Pins: run-time annotations, reflection over members, private access, constructors, arrays, proxies, method handles.
import java.lang.annotation.*;
import java.lang.invoke.*;
import java.lang.reflect.*;
import java.util.*;

public class Main {
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.METHOD, ElementType.TYPE})
    @interface Check {
        String value() default "none";
        int level() default 1;
    }

    @Check(level = 3)
    static class Target1 {
        private String secret = "hidden";
        protected static final int MAX = 9;

        @Check("first")
        public String one(int n, String... s) throws java.io.IOException { return secret + n + s.length; }

        @Check(value = "second", level = 2)
        @Deprecated
        void two() { throw new IllegalStateException("two fails"); }

        private Target1() {}
    }

    public static void main(String[] args) throws Throwable {
        Class<?> c = Class.forName("Main$Target1");
        System.out.println(c.getAnnotation(Check.class).level() + " " + Modifier.toString(c.getModifiers()));
        Method[] ms = c.getDeclaredMethods();
        Arrays.sort(ms, Comparator.comparing(Method::getName));
        for (Method m : ms) System.out.println(m + " " + m.getAnnotation(Check.class).value() + " " + m.isAnnotationPresent(Deprecated.class));
        Constructor<?> k = c.getDeclaredConstructor();
        k.setAccessible(true);
        Object o = k.newInstance();
        Field f = c.getDeclaredField("secret");
        f.setAccessible(true);
        f.set(o, "changed");
        System.out.println(ms[0].invoke(o, 5, new String[2]) + " " + Modifier.toString(c.getDeclaredField("MAX").getModifiers()));
        try {
            ms[1].invoke(o);
        } catch (InvocationTargetException e) {
            System.out.println(e.getMessage() + " " + e.getCause().getMessage());
        }
        InvocationHandler h = (proxy, m, a) -> m.getName() + Arrays.toString(a);
        Appendable dummy = null;
        @SuppressWarnings("unchecked")
        java.util.function.Function<String, String> p = (java.util.function.Function<String, String>) Proxy.newProxyInstance(Main.class.getClassLoader(), new Class<?>[] {java.util.function.Function.class}, h);
        System.out.println(p.apply("x") + " " + dummy);
        MethodHandle mh = MethodHandles.lookup().findVirtual(String.class, "concat", MethodType.methodType(String.class, String.class));
        System.out.println((String) mh.invokeExact("ab", "cd") + " " + mh.type());
        int[][] grid = (int[][]) Array.newInstance(int.class, 2, 3);
        grid[1][2] = 8;
        System.out.println(Arrays.deepToString(grid) + grid.getClass().getName());
        c.getMethod("absent");
    }
}
