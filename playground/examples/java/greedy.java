import java.util.ArrayList;
import java.util.List;

// Takes memory until there is no more. The host does not notice.
public class Greedy {
    public static void main(String[] args) {
        List<byte[]> taken = new ArrayList<>();
        while (true) {
            taken.add(new byte[8 << 20]);
            System.out.println(taken.size() * 8 + " MiB");
        }
    }
}
