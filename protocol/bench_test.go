package protocol_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"syscall"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/proof"
)

// cpu is the processor time this process has used. Wall times are not
// comparable between machines, nor on a shared one.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure reports records per CPU second of do, which deals with n of them.
func measure(b *testing.B, n int, do func()) {
	b.Helper()
	b.ReportAllocs()
	from := cpu(b)
	for b.Loop() {
		do()
	}
	b.ReportMetric(float64(n*b.N)/(cpu(b)-from).Seconds(), "records/cpu-s")
}

func BenchmarkVerify(b *testing.B) {
	records := everyKind(b)
	for _, kind := range []protocol.Kind{protocol.Notice, protocol.Class, protocol.Award} {
		raw := records[kind].Bytes()
		b.Run(kind.String(), func(b *testing.B) {
			measure(b, 1, func() {
				if _, err := protocol.Verify(raw, noon); err != nil {
					b.Fatal(err)
				}
			})
			b.ReportMetric(float64(len(raw)), "B/record")
		})
	}
}

func BenchmarkVerifyBatch(b *testing.B) {
	records := everyKind(b)
	for _, kind := range []protocol.Kind{protocol.Notice, protocol.Award} {
		for _, size := range []struct {
			name string
			n    int
		}{{"64", 64}, {"200", 200}} {
			raws := make([][]byte, size.n)
			for i := range raws {
				raws[i] = records[kind].Bytes()
			}
			b.Run(kind.String()+"/"+size.name, func(b *testing.B) {
				measure(b, size.n, func() {
					for _, r := range protocol.VerifyBatch(raws, noon) {
						if r.Err != nil {
							b.Fatal(r.Err)
						}
					}
				})
			})
		}
	}
}

// BenchmarkShare measures, in one run, the work there is no way around, Ed25519
// and SHA-256, and the whole of VerifyBatch, on 200 records. The metric floor-%
// is the first in the second; the budget for accepting a record is 80.
func BenchmarkShare(b *testing.B) {
	records := everyKind(b)
	for _, kind := range []protocol.Kind{protocol.Notice, protocol.Award} {
		const n = 200
		b.Run(kind.String(), func(b *testing.B) {
			raw := records[kind].Bytes()
			raws := make([][]byte, n)
			for i := range raws {
				raws[i] = raw
			}
			signatures := signaturesOf(b, records[kind])
			var floor, whole time.Duration
			for b.Loop() {
				from := cpu(b)
				batch := proof.NewBatch(n * len(signatures))
				for range n {
					sha256.Sum256(raw) // of the CID
					for _, s := range signatures {
						batch.Add(s.key, s.data, s.value)
						sha256.Sum256(raw) // of the document and of the proof, about
					}
				}
				if !batch.All() {
					b.Fatal("a signature does not verify")
				}
				between := cpu(b)
				protocol.VerifyBatch(raws, noon)
				floor, whole = floor+between-from, whole+cpu(b)-between
			}
			b.ReportMetric(100*floor.Seconds()/whole.Seconds(), "floor-%")
			b.ReportMetric(float64(n*b.N)/whole.Seconds(), "records/cpu-s")
		})
	}
}

type signed struct {
	key   ed25519.PublicKey
	data  proof.HashData
	value []byte
}

// signaturesOf returns what Verify verifies of r.
func signaturesOf(b *testing.B, r protocol.Record) []signed {
	b.Helper()
	gated, err := proof.Parse(r.Bytes(), proof.Limits{Bytes: protocol.MaxBytes, Depth: protocol.MaxDepth})
	if err != nil {
		b.Fatal(err)
	}
	var out []signed
	for i, p := range r.Document().Framed().Proof {
		if p.Cryptosuite != proof.JCS {
			continue
		}
		signer, err := did.ParseVerificationMethod(p.VerificationMethod)
		if err != nil {
			b.Fatal(err)
		}
		value, err := p.Signature()
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, signed{signer.PublicKey(), gated.HashJCS(i, i-1), value})
	}
	return out
}

func BenchmarkIssue(b *testing.B) {
	class := must(protocol.Issue(laserClass(), noon, tyfab))(b)
	b.Run("class", func(b *testing.B) {
		document := class.Document().(*badge.Achievement)
		measure(b, 1, func() {
			if _, err := protocol.Issue(document, noon, tyfab); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("offer", func(b *testing.B) {
		document := laserAward(class)
		measure(b, 1, func() {
			if _, err := protocol.Offer(document, noon, tyfab); err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("linked data", func(b *testing.B) {
		award := everyKind(b)[protocol.Award]
		measure(b, 1, func() {
			if err := protocol.VerifyLinkedData(award); err != nil {
				b.Fatal(err)
			}
		})
	})
}
