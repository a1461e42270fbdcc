// Pins: inner, nested, local and anonymous classes, captured state, own iterators and their class names.
import java.util.*;

public class Main implements Iterable<Integer> {
    private final int limit;
    private int handed;

    Main(int limit) {
        this.limit = limit;
    }

    class Walker implements Iterator<Integer> {
        int at;

        public boolean hasNext() {
            return at < limit;
        }

        public Integer next() {
            if (!hasNext()) throw new NoSuchElementException("past " + limit);
            handed++;
            return at++;
        }
    }

    public Iterator<Integer> iterator() {
        return new Walker();
    }

    static class Nested {
        class Deeper {}
    }

    public static void main(String[] args) {
        Main c = new Main(3);
        for (int i : c) for (int j : c) System.out.print(i * j + " ");
        System.out.println(c.handed);
        int base = args.length + 40;
        class Local {
            int n = base;

            Local plus(int k) {
                n += k;
                return this;
            }
        }
        Object anonymous = new Object() {
            @Override
            public String toString() {
                return "anonymous " + new Local().plus(2).n;
            }
        };
        Walker w = c.new Walker();
        while (w.hasNext()) w.next();
        System.out.println(anonymous + " " + anonymous.getClass().getName() + " " + Local.class.getName() + " " + new Nested().new Deeper().getClass().getName());
        Comparator<String> byEnd = new Comparator<>() {
            @Override
            public int compare(String a, String b) {
                return Character.compare(a.charAt(a.length() - 1), b.charAt(b.length() - 1));
            }
        };
        List<String> l = new ArrayList<>(List.of("az", "by", "cx"));
        l.sort(byEnd);
        ListIterator<String> it = l.listIterator(2);
        it.previous();
        it.set("changed");
        it.previous();
        it.remove();
        System.out.println(l + " " + new Local[0].getClass().getSimpleName());
        w.next();
    }
}
