// Pins: generics with bounds and wildcards, erasure, overloads, boxing, varargs, static and instance initialisation order.
import java.util.*;
import java.util.function.*;

public class Main {
    static <T extends Comparable<? super T>> T max(Collection<? extends T> c) {
        Iterator<? extends T> i = c.iterator();
        T best = i.next();
        while (i.hasNext()) {
            T x = i.next();
            if (x.compareTo(best) > 0) best = x;
        }
        return best;
    }

    static class Node<K extends Comparable<K>, V> {
        final K key;
        V val;
        Node<K, V> left, right;

        Node(K k, V v) {
            key = k;
            val = v;
        }

        Node<K, V> put(K k, V v) {
            int c = k.compareTo(key);
            if (c == 0) val = v;
            else if (c < 0) left = left == null ? new Node<>(k, v) : left.put(k, v);
            else right = right == null ? new Node<>(k, v) : right.put(k, v);
            return this;
        }

        void each(BiConsumer<? super K, ? super V> f) {
            if (left != null) left.each(f);
            f.accept(key, val);
            if (right != null) right.each(f);
        }
    }

    @SafeVarargs
    static <T> String all(T... xs) {
        return xs.length + Arrays.toString(xs);
    }

    static String pick(Object o) { return "Object"; }
    static String pick(long l) { return "long"; }
    static String pick(Integer i) { return "Integer"; }
    static String pick(int... is) { return "int..."; }

    static class Base {
        static { System.out.print("Base.static "); }
        { System.out.print("Base.instance "); }
        Base() {
            System.out.print("Base() ");
            hook();
        }
        void hook() {}
    }

    static class Derived extends Base {
        int x = 5;
        static { System.out.print("Derived.static "); }
        { System.out.print("Derived.instance "); }
        Derived() { System.out.println("Derived() " + x); }
        @Override
        void hook() { System.out.print("hook sees " + x + " "); }
    }

    public static void main(String[] args) {
        System.out.println(max(List.of(3, 9, 4)) + " " + max(Set.of("a")) + " " + all() + all(1, 2.5, "x") + all((Object) null));
        StringBuilder sb = new StringBuilder();
        new Node<>("m", 1).put("a", 2).put("z", 3).put("a", 4).each((k, v) -> sb.append(k).append(v).append(' '));
        System.out.println(sb + pick(1) + " " + pick((short) 1) + " " + pick((Integer) 1) + " " + pick('c') + " " + pick(1.0) + " " + pick());
        new Derived();
        Integer a = 127, b = 127, c = 1000, d = 1000;
        System.out.println((a == b) + " " + c.equals(d) + " " + (new ArrayList<String>().getClass() == new ArrayList<Integer>().getClass()));
        System.out.println((byte) 200 + " " + (int) 3.99e10 + " " + (char) 98 + " " + ('a' + 1) + " " + 7 / -2 + " " + -7 % 3 + " " + (-7 >>> 28) + " " + (1 << 33) + " " + 0.1f + " " + 1.0 / 0 + " " + (0.1 + 0.2));
        Supplier<int[]> s = () -> new int[] {1};
        Function<Integer, int[]> mk = int[]::new;
        System.out.println(s.get()[0] + mk.apply(4).length);
    }
}
