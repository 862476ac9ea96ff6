package needs;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.connect.connector.Task;
import org.apache.kafka.connect.errors.ConnectException;
import org.apache.kafka.connect.source.SourceConnector;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.source.SourceTask;

/** A source that holds a connection to a server and reads nothing from it: it fails when the server is gone. */
public class NeedsTcp extends SourceConnector {
    private Map<String, String> config;

    @Override public String version() { return "1"; }
    @Override public void start(Map<String, String> properties) { config = properties; }
    @Override public void stop() { }
    @Override public Class<? extends Task> taskClass() { return Reads.class; }
    @Override public List<Map<String, String>> taskConfigs(int most) { return Collections.singletonList(config); }

    @Override public ConfigDef config() {
        return new ConfigDef().define("port", ConfigDef.Type.INT, ConfigDef.Importance.HIGH, "The server's port.");
    }

    /** Words its errors as JDBC drivers do. */
    public static class Reads extends SourceTask {
        private int port;
        private Socket socket;

        @Override public String version() { return "1"; }

        @Override public void start(Map<String, String> properties) {
            port = Integer.parseInt(properties.get("port"));
            connect();
        }

        private void connect() {
            try {
                socket = new Socket();
                socket.connect(new InetSocketAddress("127.0.0.1", port), 2000);
                socket.setSoTimeout(500);
            } catch (IOException e) {
                throw new ConnectException("Connection to 127.0.0.1:" + port + " refused.", e);
            }
        }

        @Override public List<SourceRecord> poll() {
            try {
                if (socket.getInputStream().read() < 0) {
                    socket.close();
                    connect();
                }
            } catch (SocketTimeoutException e) {
                return null;
            } catch (IOException e) {
                throw new ConnectException("Connection to 127.0.0.1:" + port + " was lost.", e);
            }
            return null;
        }

        @Override public void stop() {
            try {
                if (socket != null) socket.close();
            } catch (IOException e) {
                throw new ConnectException(e);
            }
        }
    }
}
