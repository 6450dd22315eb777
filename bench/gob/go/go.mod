module bench-gob-go

go 1.19
