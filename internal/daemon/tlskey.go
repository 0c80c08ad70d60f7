package daemon

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"hash"
	"os"

	"gosentinel/conf"
)

// maxKeyIterations bounds the work of decrypting a key.
const maxKeyIterations = 10_000_000

var (
	errKeyPass   = errors.New("wrong or missing password")
	errKeyFormat = errors.New("unsupported encryption of the key")
	errNoKey     = errors.New("no private key found")
	errNoCert    = errors.New("no certificate found")
)

// loadCertificate reads a chain of certificates and its key. An error is an
// abort.
//
// Rule: C-73.
func loadCertificate(certFile, keyFile string, pass conf.Secret) (tls.Certificate, error) {
	chain, err := readPEM(certFile, "CERTIFICATE", errNoCert)
	if err == nil {
		block, _ := pem.Decode(chain)
		_, err = x509.ParseCertificate(block.Bytes)
	}
	if err != nil {
		return tls.Certificate{}, abort{"Failed to load certificate: " + certFile + ": " + errnoText(err)}
	}
	cert, err := loadKey(chain, keyFile, pass)
	if err != nil {
		return tls.Certificate{}, abort{"Failed to load private key: " + keyFile + ": " + errnoText(err)}
	}
	return cert, nil
}

// loadKey reads the key of a chain.
func loadKey(chain []byte, keyFile string, pass conf.Secret) (tls.Certificate, error) {
	data, err := os.ReadFile(keyFile)
	if err != nil {
		return tls.Certificate{}, err
	}
	for {
		var block *pem.Block
		block, data = pem.Decode(data)
		if block == nil {
			return tls.Certificate{}, errNoKey
		}
		if len(block.Type) < len("PRIVATE KEY") || block.Type[len(block.Type)-len("PRIVATE KEY"):] != "PRIVATE KEY" {
			continue
		}
		if block, err = decryptKey(block, pass.Reveal()); err != nil {
			return tls.Certificate{}, err
		}
		return tls.X509KeyPair(chain, pem.EncodeToMemory(block))
	}
}

// readPEM gives the blocks of one type in a file, or none if there are none.
func readPEM(file, kind string, none error) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var out []byte
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		if block.Type == kind {
			out = append(out, pem.EncodeToMemory(block)...)
		}
	}
	if out == nil {
		return nil, none
	}
	return out, nil
}

// decryptKey gives the plain form of a key that may be encrypted: as PKCS #8
// says, or in the older way of PEM headers.
//
// Rule: R-6.
func decryptKey(block *pem.Block, pass string) (*pem.Block, error) {
	if block.Type == "ENCRYPTED PRIVATE KEY" {
		plain, err := decryptPKCS8(block.Bytes, pass)
		return &pem.Block{Type: "PRIVATE KEY", Bytes: plain}, err
	}
	if block.Headers["DEK-Info"] == "" {
		return block, nil
	}
	//lint:ignore SA1019 weak, but what such files hold; the password only guards the file
	plain, err := x509.DecryptPEMBlock(block, []byte(pass))
	if err != nil {
		return nil, errKeyPass
	}
	return &pem.Block{Type: block.Type, Bytes: plain}, nil
}

// The structures of PKCS #8 and PKCS #5.
type (
	encryptedKey struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	pbes2Params  struct{ KDF, Scheme pkix.AlgorithmIdentifier }
	pbkdf2Params struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

const (
	oidPBES2  = "1.2.840.113549.1.5.13"
	oidPBKDF2 = "1.2.840.113549.1.5.12"
)

// decryptPKCS8 gives the PrivateKeyInfo in an EncryptedPrivateKeyInfo made with
// PBES2 and PBKDF2, as all programs of the last decades make it.
func decryptPKCS8(der []byte, pass string) ([]byte, error) {
	var key encryptedKey
	var scheme pbes2Params
	var kdf pbkdf2Params
	if !parsed(der, &key) || key.Algorithm.Algorithm.String() != oidPBES2 ||
		!parsed(key.Algorithm.Parameters.FullBytes, &scheme) || scheme.KDF.Algorithm.String() != oidPBKDF2 ||
		!parsed(scheme.KDF.Parameters.FullBytes, &kdf) {
		return nil, errKeyFormat
	}
	newHash, ok := prfHash(kdf.PRF.Algorithm.String())
	size, newCipher := keyCipher(scheme.Scheme.Algorithm.String())
	var iv []byte
	if !ok || newCipher == nil || kdf.Iterations < 1 || kdf.Iterations > maxKeyIterations ||
		!parsed(scheme.Scheme.Parameters.FullBytes, &iv) {
		return nil, errKeyFormat
	}
	secret, err := pbkdf2.Key(newHash, pass, kdf.Salt, kdf.Iterations, size)
	if err != nil {
		return nil, err
	}
	block, err := newCipher(secret)
	if err != nil {
		return nil, err
	}
	data := key.Data
	if len(iv) != block.BlockSize() || len(data) == 0 || len(data)%len(iv) != 0 {
		return nil, errKeyFormat
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(data, data)
	pad := int(data[len(data)-1])
	if pad == 0 || pad > len(iv) || pad > len(data) {
		return nil, errKeyPass
	}
	data = data[:len(data)-pad]
	if _, err := x509.ParsePKCS8PrivateKey(data); err != nil {
		return nil, errKeyPass
	}
	return data, nil
}

// parsed reads one DER value, and nothing but it.
func parsed(der []byte, into any) bool {
	rest, err := asn1.Unmarshal(der, into)
	return err == nil && len(rest) == 0
}

// prfHash gives the hash of an HMAC by its object id.
func prfHash(oid string) (func() hash.Hash, bool) {
	switch oid {
	case "", "1.2.840.113549.2.7":
		return sha1.New, true
	case "1.2.840.113549.2.9":
		return sha256.New, true
	case "1.2.840.113549.2.10":
		return sha512.New384, true
	case "1.2.840.113549.2.11":
		return sha512.New, true
	default:
		return nil, false
	}
}

// keyCipher gives the key size and the block cipher of a CBC scheme by its
// object id.
func keyCipher(oid string) (size int, make func([]byte) (cipher.Block, error)) {
	switch oid {
	case "2.16.840.1.101.3.4.1.2":
		return 16, aes.NewCipher
	case "2.16.840.1.101.3.4.1.22":
		return 24, aes.NewCipher
	case "2.16.840.1.101.3.4.1.42":
		return 32, aes.NewCipher
	case "1.2.840.113549.3.7":
		return 24, des.NewTripleDESCipher
	default:
		return 0, nil
	}
}
