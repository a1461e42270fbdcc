// Lists the network interfaces; of the answers the loopback's.
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.util.Collections;

public class NetworkInterfaces {
    public static void main(String[] args) throws Exception {
        var all = Collections.list(NetworkInterface.getNetworkInterfaces());
        System.out.println(all.stream().map(NetworkInterface::getName).filter("lo"::equals).toList());
        var lo = NetworkInterface.getByName("lo");
        System.out.println(lo.getIndex() + " " + lo.getMTU() + " " + lo.isUp() + " " + lo.isLoopback()
                + " " + lo.getHardwareAddress());
        lo.getInterfaceAddresses().stream()
                .filter(each -> each.getAddress() instanceof Inet4Address)
                .forEach(System.out::println);
        System.out.println(NetworkInterface.getByInetAddress(InetAddress.getByName("127.0.0.1")));
    }
}
