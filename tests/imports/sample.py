"""Small files of the shapes that really come, made by hand."""

from __future__ import annotations

LISTINGS = """id,organization,title,description,zipcode,ends_on,listed_on,kind
1,Quiet Harbor Library,Shelve returned books,"Two hours a week, &amp; good company.",07102,,2026-01-01,ongoing
2,Quiet Harbor Library,Read aloud on Saturdays,For families.,07103,2031-05-01,2026-01-01,dated
3,Riverside Gardeners,Plant sale helpers,It was fun.,10001,2020-05-01,2020-01-01,dated
4,Riverside Gardeners,,No title here.,10001,,2026-01-01,ongoing
5,,Nobody asks,No organization here.,10001,,2026-01-01,ongoing
6,Riverside Gardeners,Somewhere unknown,The code is none.,00000,,2026-01-01,ongoing
"""
LISTINGS_MAPPING = """[columns]
external_id = "id"
postal_code = "zipcode"
[constants]
country = "US"
flexible = "yes"
"""
SHELTERS = """id,site,address,city,state,latitude,longitude,supply_needs,volunteer_needs
s-1,Hilltop Gym,1 Sample Road,Houston,TX,29.76,-95.37,"Need towels, socks and blankets. No more clothes",Volunteers needed
s-2,River School,2 Sample Road,Houston,TX,29.70,-95.40,None,
s-3,Oak Church,3 Sample Road,Houston,TX,north,-95.40,water,
"""
SHELTERS_MAPPING = """[columns]
external_id = "id"
organization = "site"
title = "site"
region = "state"
items_text = "supply_needs"
volunteers_text = "volunteer_needs"
[constants]
country = "US"
"""
OWN = """external_id,title,description,city,region,starts_at,ends_at,capacity,contact,items,urgency
a,Sort food,Bring gloves,Newark,NJ,2031-03-09T01:30,2031-03-09T04:30,5,none,rice: 40 bag; beans; water: 2.5 case,high
b,Cook,With us,Newark,NJ,2031-03-10T18:00,2031-03-10T20:00,4,children,,normal
"""
