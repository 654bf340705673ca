#!/usr/bin/env python3
"""Makes a token for s3imageserver: token.py SECRET [CLAIMS-AS-JSON [SECONDS]]"""
import base64
import hashlib
import hmac
import json
import sys
import time


def token(secret, claims, seconds=3600):
    """Returns a JSON Web Token (HS256) that ends in so many seconds."""
    claims = {"iat": int(time.time()), "exp": int(time.time()) + seconds, **claims}
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    text = b".".join(encode(json.dumps(p).encode()) for p in parts)
    mac = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return (text + b"." + encode(mac)).decode()


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


if __name__ == "__main__":
    args = sys.argv[1:]
    claims = json.loads(args[1]) if len(args) > 1 else {}
    print(token(args[0], claims, int(args[2]) if len(args) > 2 else 3600))
