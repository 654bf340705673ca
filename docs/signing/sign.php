<?php
// Signs URLs of s3imageserver: php sign.php SECRET HANDLER NAME [parameter=value ...]

// Returns path and query of the picture $name of a handler. $params has the
// parameters as text, and exp in Unix seconds if the URL is to end. Whatever the
// server does not know (utm_source, ...) is added afterwards.
function sign(string $secret, string $handler, string $name, array $params): string
{
    ksort($params, SORT_STRING);
    $canonical = '';
    $parts = [$handler, $name];
    foreach ($params as $key => $value) {
        array_push($parts, (string) $key, (string) $value);
    }
    foreach ($parts as $part) {
        $canonical .= strlen($part) . ':' . $part . ',';
    }
    $digest = hash_hmac('sha256', $canonical, $secret, true);
    $params['sig'] = rtrim(strtr(base64_encode($digest), '+/', '-_'), '=');
    $path = implode('/', array_map('rawurlencode', explode('/', $name)));
    return "/$handler/$path?" . http_build_query($params, '', '&', PHP_QUERY_RFC3986);
}

if (isset($argv) && realpath($argv[0]) === __FILE__) {
    $params = [];
    foreach (array_slice($argv, 4) as $pair) {
        [$key, $value] = explode('=', $pair, 2);
        $params[$key] = $value;
    }
    echo sign($argv[1], $argv[2], $argv[3], $params), "\n";
}
