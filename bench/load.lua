-- Hits as the tracker sends them, each with an id and a creation time of its own. Arguments: first number, measurement id.
local number, id, started = 0, "", 0

init = function(arguments)
  number, id, started = tonumber(arguments[1]), arguments[2], os.time() * 1000
end

local headers = {
  ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  ["Origin"] = "https://shop.example",
}

request = function()
  number = number + 1
  local session = number % 20000
  local query = "v=2&tid=" .. id .. "&cid=" .. 100000000 + session .. ".1790000000&sid=1790000000&sct=1&seg=1&_s=" .. number % 30
    .. "&_p=" .. number .. "&en=page_view&_et=1200&dl=https%3A%2F%2Fshop.example%2Fp%2F" .. number % 2000
    .. "&dr=https%3A%2F%2Fwww.google.com%2F&dt=A%20product&ul=en-us&sr=1920x1080&_hid=b" .. number .. "&_hts=" .. os.time() * 1000
  return wrk.format("POST", "/g/collect?" .. query, headers)
end
