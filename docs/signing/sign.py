#!/usr/bin/env python3
"""Signs URLs of s3imageserver: sign.py SECRET HANDLER NAME [parameter=value ...]"""
import base64
import hashlib
import hmac
import sys
from urllib.parse import quote, urlencode


def sign(secret, handler, name, params):
    """Returns path and query of the picture `name` of a handler.

    params has the parameters as text, and exp in Unix seconds if the URL is to
    end. Whatever the server does not know (utm_source, ...) is added afterwards.
    """
    parts = [handler, name]
    for key in sorted(params, key=lambda k: k.encode()):
        parts += [key, params[key]]
    canonical = b"".join(b"%d:%s," % (len(p), p) for p in (part.encode() for part in parts))
    digest = hmac.new(secret.encode(), canonical, hashlib.sha256).digest()
    sig = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return "/" + handler + "/" + quote(name) + "?" + urlencode({**params, "sig": sig})


if __name__ == "__main__":
    secret, handler, name, *rest = sys.argv[1:]
    print(sign(secret, handler, name, dict(r.split("=", 1) for r in rest)))
