# Signs URLs of s3imageserver: ruby sign.rb SECRET HANDLER NAME [parameter=value ...]
require "erb"
require "openssl"
require "uri"

# Returns path and query of the picture `name` of a handler. params has the
# parameters as text, and exp in Unix seconds if the URL is to end. Whatever the
# server does not know (utm_source, ...) is added afterwards.
def sign(secret, handler, name, params)
  parts = [handler, name] + params.sort_by { |key, _| key.b }.flatten
  canonical = parts.map { |part| "#{part.bytesize}:#{part.b},".b }.join
  sig = [OpenSSL::HMAC.digest("SHA256", secret, canonical)].pack("m0").tr("+/", "-_").delete("=")
  path = name.split("/").map { |segment| ERB::Util.url_encode(segment) }.join("/")
  "/#{handler}/#{path}?#{URI.encode_www_form(params.merge("sig" => sig))}"
end

if __FILE__ == $PROGRAM_NAME
  secret, handler, name, *rest = ARGV.map { |arg| arg.dup.force_encoding("UTF-8") }
  puts sign(secret, handler, name, rest.to_h { |pair| pair.split("=", 2) })
end
