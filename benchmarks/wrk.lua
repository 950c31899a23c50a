-- The request is in the file that REQUEST_BODY names; headers in REQUEST_HEADERS, one "name: value" a line.
-- Connections pause for REQUEST_PAUSE_MS between their requests, on average.
local file = io.open(os.getenv("REQUEST_BODY"), "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
file:close()
wrk.headers["Content-Type"] = "application/json"
for name, value in (os.getenv("REQUEST_HEADERS") or ""):gmatch("([^\n:]+): ([^\n]+)") do
  wrk.headers[name] = value
end

local pause = tonumber(os.getenv("REQUEST_PAUSE_MS") or "0")
if pause > 0 then
  function delay()
    return math.random(0, 2 * pause)
  end
end

function done(summary, latency)
  io.write(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "failures": %d, "p50_ms": %.4f, "p99_ms": %.4f, "longest_ms": %.4f}\n',
    summary.requests, summary.duration / 1e6,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000))
end
