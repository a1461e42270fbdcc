// Pins: TZ from the environment sets the default zone of the virtual machine and of its children.
import java.time.*;
import java.util.*;

public class Main {
    public static void main(String[] args) throws Exception {
        System.out.println(ZoneId.systemDefault() + " " + TimeZone.getDefault().getRawOffset());
        System.out.println(Instant.ofEpochSecond(1720000000).atZone(ZoneId.systemDefault()) + " " + new Date(1720000000000L));
        Process p = new ProcessBuilder("date", "-d", "@1720000000", "+%F %T %z").start();
        System.out.print(new String(p.getInputStream().readAllBytes()));
    }
}
