// A bank as a model of Porcupine's, and a check of one history by it, for bench/porcupine-bank.ts, which
// builds this beside Porcupine's source. Says in one line of JSON what it found, in how long and in how
// much memory.
//
// Run: bank HISTORY SECONDS MEGABYTES
// Each line of HISTORY is an operation: kind first second amount refusal unknown balance toBalance call
// return, integers, with the codes of checker/bank/bank-table.ts; -1 where an answer said nothing.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	open = iota
	deposit
	withdraw
	move
	balance
)

const (
	accepted = iota
	noSuchAccount
	accountExists
	insufficientFunds
)

const (
	accountsMax = 16
	absent      = -1
	silent      = -1
	fieldCount  = 10
)

type state [accountsMax]int64

type asked struct {
	kind          int
	first, second int
	amount        int64
}

type answered struct {
	refusal            int
	unknown            bool
	balance, toBalance int64
}

var bank = porcupine.Model{
	Init: func() interface{} {
		var none state
		for account := range none {
			none[account] = absent
		}
		return none
	},
	Step: func(before, input, output interface{}) (bool, interface{}) {
		after, refusal := perform(before.(state), input.(asked))
		answer := output.(answered)
		if answer.unknown {
			return true, after
		}
		return refusal == answer.refusal && says(after, input.(asked), answer), after
	},
	Hash: func(of interface{}) uint64 {
		hash := uint64(14695981039346656037)
		for _, has := range of.(state) {
			hash = (hash ^ uint64(has)) * 1099511628211
		}
		return hash
	},
}

func perform(accounts state, ask asked) (state, int) {
	has := accounts[ask.first]
	if ask.kind == open {
		if has != absent {
			return accounts, accountExists
		}
		accounts[ask.first] = 0
		return accounts, accepted
	}
	if has == absent || ask.kind == move && accounts[ask.second] == absent {
		return accounts, noSuchAccount
	}
	switch ask.kind {
	case deposit:
		accounts[ask.first] += ask.amount
	case withdraw, move:
		if has < ask.amount {
			return accounts, insufficientFunds
		}
		accounts[ask.first] -= ask.amount
		if ask.kind == move {
			accounts[ask.second] += ask.amount
		}
	}
	return accounts, accepted
}

func says(accounts state, ask asked, answer answered) bool {
	if answer.refusal != accepted {
		return true
	}
	if answer.balance != silent && answer.balance != accounts[ask.first] {
		return false
	}
	return answer.toBalance == silent || answer.toBalance == accounts[ask.second]
}

func main() {
	if len(os.Args) != 4 {
		fail(fmt.Errorf("wanted: bank HISTORY SECONDS MEGABYTES"))
	}
	history, err := read(os.Args[1])
	if err != nil {
		fail(err)
	}
	seconds, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fail(err)
	}
	megabytes, err := strconv.Atoi(os.Args[3])
	if err != nil {
		fail(err)
	}
	runtime.GC()
	before := peakBytes()
	started := time.Now()
	go endAt(int64(megabytes)<<20, before, started)
	timeout := time.Duration(seconds) * time.Second
	report(string(porcupine.CheckOperationsTimeout(bank, history, timeout)), before, started)
}

// Ends the process when it holds more than it may: the machine has other work.
func endAt(bytesMax, before int64, started time.Time) {
	for {
		time.Sleep(50 * time.Millisecond)
		if peakBytes()-before > bytesMax {
			report("Memory", before, started)
			os.Exit(0)
		}
	}
}

func report(result string, before int64, started time.Time) {
	ms := float64(time.Since(started).Microseconds()) / 1000
	fmt.Printf("{\"result\":%q,\"ms\":%.1f,\"bytes\":%d}\n", result, ms, peakBytes()-before)
}

func peakBytes() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return usage.Maxrss * 1024
}

func read(path string) ([]porcupine.Operation, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var history []porcupine.Operation
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var field [fieldCount]int64
		words := strings.Fields(lines.Text())
		if len(words) != fieldCount {
			return nil, fmt.Errorf("%s: %d fields where %d are wanted", path, len(words), fieldCount)
		}
		for index, word := range words {
			if field[index], err = strconv.ParseInt(word, 10, 64); err != nil {
				return nil, err
			}
		}
		if field[1] >= accountsMax || field[2] >= accountsMax {
			return nil, fmt.Errorf("%s: more than %d accounts", path, accountsMax)
		}
		history = append(history, porcupine.Operation{
			Input:  asked{int(field[0]), int(field[1]), int(max(field[2], 0)), field[3]},
			Output: answered{int(field[4]), field[5] == 1, field[6], field[7]},
			Call:   field[8],
			Return: field[9],
		})
	}
	return history, lines.Err()
}

func max(one, other int64) int64 {
	if one > other {
		return one
	}
	return other
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
