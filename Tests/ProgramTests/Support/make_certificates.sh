#!/bin/sh
# Makes the certificates of the TLS tests in the folder $1: two authorities, servers that are right, expired, not valid yet, or
# named for somebody else, and a client. Needs the openssl program only.
set -eu
cd "$1"

authority() { # name
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
    -keyout "$1.key" -out "$1.pem" 2>/dev/null
}

issue() { # name authority subject-alternative-name use [notbefore notafter]
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" \
    2>/dev/null
  printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s.index\nnew_certs_dir=.\nserial=%s.serial\ndefault_md=sha256\npolicy=p\n[p]\n' \
    "$1" "$1" >"$1.cnf"
  printf 'commonName=supplied\n[e]\nsubjectAltName=%s\nextendedKeyUsage=%s\n' "$3" "$4" >>"$1.cnf"
  : >"$1.index"
  openssl rand -hex 8 >"$1.serial"
  openssl ca -batch -notext -config "$1.cnf" -extensions e -cert "$2.pem" -keyfile "$2.key" -in "$1.csr" -out "$1.pem" \
    -startdate "${5:-$(date -u -d '-1 day' +%Y%m%d%H%M%SZ)}" -enddate "${6:-$(date -u -d '+1 day' +%Y%m%d%H%M%SZ)}" \
    2>/dev/null
}

authority authority
authority stranger
issue server authority IP:127.0.0.1 serverAuth
issue elsewhere authority DNS:backend.example serverAuth
issue expired authority IP:127.0.0.1 serverAuth 20240101000000Z 20240201000000Z
issue early authority IP:127.0.0.1 serverAuth 20480101000000Z 20490101000000Z
issue client authority DNS:hub.example clientAuth
issue foreign stranger IP:127.0.0.1 serverAuth
issue impostor stranger DNS:hub.example clientAuth
