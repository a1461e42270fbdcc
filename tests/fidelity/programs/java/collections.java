// Pins: the collections' order, views, copies, priority queues, bit sets, properties and their exceptions.
import java.io.*;
import java.util.*;

public class Main {
    public static void main(String[] args) throws Exception {
        Map<String, Integer> h = new HashMap<>(), lru = new LinkedHashMap<>(16, 0.75f, true) {
            @Override
            protected boolean removeEldestEntry(Map.Entry<String, Integer> e) {
                return size() > 3;
            }
        };
        for (String s : "the quick brown fox jumps over the lazy dog".split(" ")) {
            h.merge(s, 1, Integer::sum);
            lru.put(s, s.length());
            lru.get("quick");
        }
        System.out.println(h + " " + lru);
        TreeMap<Integer, String> t = new TreeMap<>(Comparator.reverseOrder());
        for (int i = 0; i < 10; i += 3) t.put(i, "v" + i);
        System.out.println(t + " " + t.headMap(3, true) + t.ceilingKey(5) + t.descendingMap().firstEntry() + t.pollLastEntry());
        PriorityQueue<String> q = new PriorityQueue<>(Comparator.comparing(String::length).thenComparing(Comparator.reverseOrder()));
        Collections.addAll(q, "ccc", "a", "bb", "b", "dddd", "aa");
        StringBuilder sb = new StringBuilder();
        while (!q.isEmpty()) sb.append(q.poll()).append(' ');
        BitSet bits = new BitSet();
        bits.set(3, 7);
        bits.flip(5, 10);
        System.out.println(sb + "" + bits + bits.cardinality() + bits.nextClearBit(3));
        List<Integer> l = new ArrayList<>(List.of(5, 3, 9, 1)), view = l.subList(1, 3);
        view.replaceAll(x -> x * 10);
        Collections.rotate(l, 1);
        System.out.println(l + " " + Collections.max(l) + Collections.frequency(l, 5) + " " + Collections.nCopies(2, "x") + Arrays.asList(1, 2).equals(List.of(1, 2)) + Arrays.binarySearch(new int[] {1, 4, 9}, 5) + new StringJoiner(",", "{", "}").setEmptyValue("nil"));
        Properties p = new Properties();
        p.load(new StringReader("# c\nkey = v\\u00e9 \\\n  more\nempty\nb:c\\=d"));
        System.out.println(new TreeMap<>(p) + " " + Objects.hash(1, "a", null) + " " + List.of(1, 2).hashCode());
        try {
            Map.of("a", 1, "a", 2);
        } catch (IllegalArgumentException e) {
            System.out.println(e.getMessage());
        }
        System.out.println(view.size());
    }
}
