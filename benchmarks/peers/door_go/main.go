// The banks' door as a Go programmer would write it: net/http, pgx, one commit for each request.
//
// It does the same work as ours for one sender: HMAC over the raw body, five minutes of tolerance, JSON, AES-256-GCM
// over the whole request, and the very statement of the door (STATEMENT_FILE). What it needs stands in the environment.
package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v4/pgxpool"
)

const mostBytes = 256 << 10

var (
	vietnam   = time.FixedZone("Asia/Ho_Chi_Minh", 7*3600)
	reference = regexp.MustCompile("HP[0-9A-HJKMNP-TV-Z]{10}")
	place     = []byte("raw_callback.sealed")
)

type payment struct {
	ID              int64   `json:"id"`
	AccountNumber   string  `json:"accountNumber"`
	SubAccount      *string `json:"subAccount"`
	Code            *string `json:"code"`
	Content         string  `json:"content"`
	TransferType    string  `json:"transferType"`
	TransferAmount  int64   `json:"transferAmount"`
	TransactionDate string  `json:"transactionDate"`
	ReferenceCode   *string `json:"referenceCode"`
}

type door struct {
	pool        *pgxpool.Pool
	statement   string
	secret      []byte
	aead        cipher.AEAD
	account     string
	schoolID    int64
	accountID   int64
	connections map[string]int64
}

func main() {
	pool, err := pgxpool.Connect(context.Background(), os.Getenv("DATABASE_URL"))
	check(err)
	statement, err := os.ReadFile(os.Getenv("STATEMENT_FILE"))
	check(err)
	key, err := hex.DecodeString(os.Getenv("FIELD_KEY_HEX"))
	check(err)
	block, err := aes.NewCipher(key)
	check(err)
	aead, err := cipher.NewGCM(block)
	check(err)
	d := &door{pool: pool, statement: string(statement), secret: []byte(os.Getenv("SENDER_SECRET")), aead: aead,
		account: os.Getenv("ACCOUNT_NUMBER"), schoolID: number("SCHOOL_ID"), accountID: number("ACCOUNT_ID")}
	check(json.Unmarshal([]byte(os.Getenv("CONNECTIONS")), &d.connections))
	http.HandleFunc("/callbacks/", d.serve)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

func (d *door) serve(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	connection, known := d.connections[strings.TrimPrefix(r.URL.Path, "/callbacks/")]
	body, err := io.ReadAll(io.LimitReader(r.Body, mostBytes+1))
	if !known || err != nil || len(body) > mostBytes {
		answer(w, http.StatusNotFound, false)
		return
	}
	var p payment
	if !d.authentic(r, body, now) || json.Unmarshal(body, &p) != nil || p.AccountNumber != d.account {
		answer(w, http.StatusUnauthorized, false)
		return
	}
	result, err := d.store(r, body, p, connection, now)
	if err != nil {
		log.Print(err)
		answer(w, http.StatusServiceUnavailable, false)
		return
	}
	answer(w, http.StatusOK, result == "accepted" || result == "duplicate")
}

func (d *door) authentic(r *http.Request, body []byte, now time.Time) bool {
	stamp := r.Header.Get("X-SePay-Timestamp")
	mac := hmac.New(sha256.New, d.secret)
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	wanted := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	age := now.Unix() - seconds
	return hmac.Equal([]byte(r.Header.Get("X-SePay-Signature")), []byte(wanted)) && err == nil && age <= 300 && age >= -300
}

func (d *door) store(r *http.Request, body []byte, p payment, connection int64, now time.Time) (string, error) {
	moment, err := time.ParseInLocation("2006-01-02 15:04:05", p.TransactionDate, vietnam)
	if err != nil || p.TransferType != "in" {
		return "", fmt.Errorf("malformed")
	}
	peer, _, _ := net.SplitHostPort(r.RemoteAddr)
	id := strconv.FormatInt(p.ID, 10)
	said := fmt.Sprint(p.TransferAmount, "\x1f", p.AccountNumber, "\x1f", text(p.SubAccount), "\x1f",
		text(p.ReferenceCode), "\x1f", text(p.Code), "\x1f", strings.Join(strings.Fields(p.Content), " "))
	content, raw := sha256.Sum256([]byte(said)), sha256.Sum256(body)
	var result string
	err = d.pool.QueryRow(context.Background(), d.statement,
		0, connection, "accepted", id, "credit", "settled", d.schoolID, d.accountID,
		p.AccountNumber[len(p.AccountNumber)-4:], p.TransferAmount, moment, moment, id, p.ReferenceCode, p.Code,
		p.SubAccount, p.Content, strings.Join(reference.FindAllString(p.Content, -1), " "), content[:], false,
		now, peer, d.seal(r, body), raw[:], len(body), "ok").Scan(&result)
	return result, err
}

func (d *door) seal(r *http.Request, body []byte) []byte {
	headers, err := json.Marshal(r.Header)
	check(err)
	plain := append([]byte(r.Method+"\n"+r.URL.RawQuery+"\n"+string(headers)+"\n"), body...)
	sealed := make([]byte, 13, 13+len(plain)+d.aead.Overhead())
	sealed[0] = 1
	_, err = rand.Read(sealed[1:])
	check(err)
	return d.aead.Seal(sealed, sealed[1:13], plain, place)
}

func answer(w http.ResponseWriter, status int, success bool) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"success":%t}`, success)
}

func text(value *string) string {
	if value == nil {
		return ""
	}
	return *value
}

func number(name string) int64 {
	value, err := strconv.ParseInt(os.Getenv(name), 10, 64)
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
