-- Sends requests that were signed beforehand, one after the other, each once.
-- Arguments: file of lines «stamp TAB signature TAB body», first line to send (from 0), how many at most.

function init(args)
   local first, most, number = tonumber(args[2]), tonumber(args[3]), 0
   requests, sent = {}, 0
   for line in io.lines(args[1]) do
      if number >= first and number < first + most then
         local stamp, signature, body = line:match("^(%d+)\t([^\t]+)\t(.*)$")
         requests[#requests + 1] = wrk.format("POST", nil, {
            ["Content-Type"] = "application/json",
            ["X-SePay-Timestamp"] = stamp,
            ["X-SePay-Signature"] = signature,
         }, body)
      end
      number = number + 1
   end
end

function request()
   sent = sent + 1
   return requests[sent]
end

function done(summary, latency)
   local errors = summary.errors
   local failed = errors.connect + errors.read + errors.write + errors.timeout
   io.write(string.format('\n{"requests": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f, "refused": %d, "failed": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.status, failed))
end
