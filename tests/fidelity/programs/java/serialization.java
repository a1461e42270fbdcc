// Pins: object streams: graphs with cycles, transient fields, readObject, records, enums, a class that is not serializable.
import java.io.*;
import java.util.*;

public class Main {
    enum Color { RED, GREEN }

    record Point(int x, Color c) implements Serializable {}

    static class Node implements Serializable {
        private static final long serialVersionUID = 1L;
        String name;
        transient int cache = 7;
        Node other;
        Map<String, Object> props = new TreeMap<>();

        Node(String n) {
            name = n;
        }

        private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
            in.defaultReadObject();
            cache = -1;
        }
    }

    static class Plain {}

    public static void main(String[] args) throws Exception {
        Node a = new Node("ä"), b = new Node("b");
        a.other = b;
        b.other = a;
        a.props.put("list", new ArrayList<>(List.of(1, 2.5, "three")));
        a.props.put("point", new Point(4, Color.GREEN));
        File file = new File("graph.ser");
        try (ObjectOutputStream out = new ObjectOutputStream(new FileOutputStream(file))) {
            out.writeObject(a);
            out.writeInt(99);
        }
        try (ObjectInputStream in = new ObjectInputStream(new FileInputStream(file))) {
            Node r = (Node) in.readObject();
            System.out.println(r.name + r.cache + r.other.name + (r.other.other == r) + r.props + in.readInt());
            System.out.println(((Point) r.props.get("point")).c() == Color.GREEN);
            try {
                in.readObject();
            } catch (EOFException e) {
                System.out.println("end " + e.getMessage());
            }
        }
        byte[] raw = new FileInputStream(file).readAllBytes();
        System.out.println(raw.length + " " + Arrays.hashCode(raw) + " " + file.delete());
        a.props.put("plain", new Plain());
        new ObjectOutputStream(new ByteArrayOutputStream()).writeObject(a);
    }
}
