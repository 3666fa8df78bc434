-- What trackers send: a beacon with everything in the address, another visitor and page each time.
local number = 0
local headers = {
  ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
  ["Accept-Language"] = "en-US,en;q=0.9",
  ["Origin"] = "https://shop.example",
  ["Referer"] = "https://shop.example/",
  ["Sec-CH-UA"] = '"Chromium";v="142", "Not A(Brand";v="99"',
  ["Sec-CH-UA-Mobile"] = "?0",
  ["Sec-CH-UA-Platform"] = '"Linux"',
}

request = function()
  number = number + 1
  local visitor = 100000000 + number % 50000
  local query = "v=2&tid=G-BENCHBENCH&cid=" .. visitor .. ".1790000000&sid=1790000000&sct=1&seg=1&_s=1&_p=" .. number
    .. "&en=page_view&_et=1200&dl=https%3A%2F%2Fshop.example%2Fproducts%2F" .. number % 500
    .. "&dr=https%3A%2F%2Fwww.google.com%2F&dt=A%20product&ul=en-us&sr=1920x1080"
  return wrk.format("POST", "/g/collect?" .. query, headers)
end
