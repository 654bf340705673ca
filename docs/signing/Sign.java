// Signs URLs of s3imageserver: java Sign.java SECRET HANDLER NAME [parameter=value ...]
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.net.URLEncoder;
import java.util.*;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Sign {
    /**
     * Returns path and query of the picture {@code name} of a handler. params has the parameters
     * as text, and exp in Unix seconds if the URL is to end. Whatever the server does not know
     * (utm_source, ...) is added afterwards.
     */
    static String sign(String secret, String handler, String name, Map<String, String> params) throws Exception {
        List<String> parts = new ArrayList<>(List.of(handler, name));
        StringBuilder query = new StringBuilder();
        for (Map.Entry<String, String> p : new TreeMap<>(params).entrySet()) {
            parts.add(p.getKey());
            parts.add(p.getValue());
            query.append(encode(p.getKey())).append('=').append(encode(p.getValue())).append('&');
        }
        ByteArrayOutputStream canonical = new ByteArrayOutputStream();
        for (String part : parts) {
            byte[] bytes = part.getBytes(UTF_8);
            canonical.writeBytes((bytes.length + ":").getBytes(UTF_8));
            canonical.writeBytes(bytes);
            canonical.write(',');
        }
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret.getBytes(UTF_8), "HmacSHA256"));
        String sig = Base64.getUrlEncoder().withoutPadding().encodeToString(mac.doFinal(canonical.toByteArray()));
        return "/" + handler + "/" + encode(name).replace("%2F", "/") + "?" + query + "sig=" + sig;
    }

    static String encode(String text) {
        return URLEncoder.encode(text, UTF_8).replace("+", "%20");
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> params = new HashMap<>();
        for (String pair : Arrays.copyOfRange(args, 3, args.length)) {
            int at = pair.indexOf('=');
            params.put(pair.substring(0, at), pair.substring(at + 1));
        }
        System.out.println(sign(args[0], args[1], args[2], params));
    }
}
