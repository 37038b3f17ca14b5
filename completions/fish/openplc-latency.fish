complete -c openplc-latency -l period -d 'Period of the task, 100us to 1s' -r
complete -c openplc-latency -l duration -d 'How long to measure; the rarer a delay, the longer it takes to find it' -r
complete -c openplc-latency -l priority -d 'Real-time priority (SCHED_FIFO), as the scan engine\'s' -r
complete -c openplc-latency -l cpu -d 'Measure on this CPU only' -r
complete -c openplc-latency -l load -d 'Keep processors, memory, disk and timers busy meanwhile'
complete -c openplc-latency -l json -d 'Print one JSON document'
complete -c openplc-latency -s h -l help -d 'Print help'
complete -c openplc-latency -s V -l version -d 'Print version'
