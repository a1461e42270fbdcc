// Pins: channels, scatter and gather, positions, locks, truncation, RandomAccessFile, a memory-mapped file, pipes.
import java.io.*;
import java.nio.*;
import java.nio.channels.*;
import java.nio.file.*;
import static java.nio.file.StandardOpenOption.*;

public class Main {
    public static void main(String[] args) throws Exception {
        Path p = Path.of("data.bin");
        try (FileChannel ch = FileChannel.open(p, CREATE, READ, WRITE)) {
            System.out.println(ch.write(new ByteBuffer[] {ByteBuffer.wrap("head".getBytes()), ByteBuffer.wrap("tail!".getBytes())}) + " " + ch.position() + " " + ch.size());
            MappedByteBuffer map = ch.map(FileChannel.MapMode.READ_WRITE, 0, 8192);
            map.order(ByteOrder.LITTLE_ENDIAN).putLong(4092, 0x1122334455667788L).put(0, (byte) 'H');
            map.force();
            ByteBuffer b = ByteBuffer.allocate(8);
            ch.read(b, 4092);
            b.flip();
            System.out.println(Long.toHexString(b.getLong()) + " " + ch.size());
            try (FileLock l = ch.lock(0, 10, false)) {
                System.out.println(l.isValid() + " " + l.isShared());
                try {
                    ch.tryLock();
                } catch (OverlappingFileLockException e) {
                    System.out.println(e);
                }
            }
            ch.truncate(9);
            try (FileChannel to = FileChannel.open(Path.of("copy.bin"), CREATE_NEW, WRITE)) {
                System.out.println(ch.transferTo(0, 100, to) + " " + Files.readString(Path.of("copy.bin")));
            }
        }
        try (RandomAccessFile r = new RandomAccessFile("data.bin", "rw")) {
            r.seek(4);
            r.writeUTF("ü");
            r.setLength(20);
            r.seek(4);
            System.out.println(r.readUTF() + r.getFilePointer() + " " + r.length());
        }
        Pipe pipe = Pipe.open();
        pipe.sink().write(ByteBuffer.wrap("through a pipe".getBytes()));
        pipe.sink().close();
        System.out.println(new String(Channels.newInputStream(pipe.source()).readAllBytes()));
        try (DataOutputStream d = new DataOutputStream(new BufferedOutputStream(new FileOutputStream("data.bin", true)))) {
            d.writeInt(-2);
            d.writeDouble(1.5);
        }
        System.out.println(new File("data.bin").length() + " " + new File("data.bin").renameTo(new File("renamed.bin")) + " " + new File("data.bin").exists());
        CharBuffer cb = java.nio.charset.StandardCharsets.UTF_16BE.decode(ByteBuffer.wrap(new byte[] {0, 65, (byte) 0xd8, 0x3d, (byte) 0xde, 0}));
        System.out.println(cb + " " + cb.remaining());
        new FileInputStream("data.bin");
    }
}
