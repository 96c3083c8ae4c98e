"""Written texts with their entities: one a row, each entity in ⟦TYPE|as written⟧.

Everything is invented. Keys of known issuers are put together from parts, so that no scanner of
secrets takes them for real ones.
"""

HEX = "0123456789abcdef"
BASE62 = "aB3dE5gH7jK9mN1pQ4sT6vW8xY2zC0fGhJkL3"
KEYS = [
    "AKIA" + "Q7EXAMPLE2FAKE9Z",
    "sk-" + "proj-" + BASE62,
    "sk-" + "ant-api03-" + BASE62,
    "gh" + "p_" + BASE62[:36],
    "github" + "_pat_11A" + BASE62,
    "gl" + "pat-" + BASE62[:20],
    "np" + "m_" + BASE62[:36],
    "py" + "pi-AgEIcHlwaS5vcmc" + BASE62,
    "xo" + "xb-123456789012-" + BASE62[:24],
    "AI" + "za" + BASE62[:35],
    "SG" + "." + BASE62[:22] + "." + BASE62[:36],
    "key" + "-" + HEX * 2,
    "SK" + HEX * 2,
    "sk" + "_live_" + BASE62[:24],
    "wh" + "sec_" + BASE62[:32],
    "123456789" + ":AA" + BASE62[:33],
    "M" + BASE62[:23] + "." + BASE62[:6] + "." + BASE62[:27],
    "dop" + "_v1_" + HEX * 4,
    "hf" + "_" + BASE62[:34],
    "shp" + "at_" + HEX * 2,
    "gsk" + "_" + BASE62,
    "ya29" + "." + BASE62,
]

MARKED = """
write to ⟦EMAIL_ADDRESS|mara.quillen@northfen.co.uk⟧ or ⟦EMAIL_ADDRESS|o'dell+x@b-c.io⟧.
cc: ⟦EMAIL_ADDRESS|MARA_QUILLEN@NORTHFEN.ORG⟧; bcc ⟦EMAIL_ADDRESS|mq@sub.dept.uni.example⟧
send it to ⟦EMAIL_ADDRESS|jane (at) fenwick (dot) com⟧ today
mail ⟦EMAIL_ADDRESS|jane [at] fenwick [dot] org⟧, thanks
it's ⟦EMAIL_ADDRESS|jane.doe AT gmail DOT com⟧ as ever
reach me: ⟦EMAIL_ADDRESS|jane dot doe at fenwick dot co dot uk⟧
or ⟦EMAIL_ADDRESS|jane_doe(at)fenwick.net⟧ if that bounces
mail ⟦EMAIL_ADDRESS|jane-dot-doe-at-fenwick-dot-com⟧ or ⟦EMAIL_ADDRESS|jane_dot_doe_at_fenwick.com⟧
old one: ⟦EMAIL_ADDRESS|jane[@]fenwick.de⟧
⟦EMAIL_ADDRESS|jane@fenwick[.]com⟧ is defanged
⟦EMAIL_ADDRESS|j a n e @ f e n w i c k . c o m⟧ is how bots miss it
⟦EMAIL_ADDRESS|jane.doe77 at gmail.com⟧ works too
⟦EMAIL_ADDRESS|jane @ fenwick.com⟧ with spaces
⟦EMAIL_ADDRESS|jane%40fenwick.com⟧ in a link, ⟦EMAIL_ADDRESS|jane&#64;fenwick&#46;com⟧ in a page
JSON says "⟦EMAIL_ADDRESS|jane\\u0040fenwick.com⟧"
⟦EMAIL_ADDRESS|ｊａｎｅ＠ｆｅｎｗｉｃｋ．ｃｏｍ⟧ in full width
⟦EMAIL_ADDRESS|ja\u200bne@fen\u00adwick.com⟧ split
邮箱：⟦EMAIL_ADDRESS|li.na@fenwick.cn⟧，谢谢。メールは⟦EMAIL_ADDRESS|kenji@fenwick.jp⟧です
mailto:⟦EMAIL_ADDRESS|a.b@xn--fenwck-d2a.de⟧ ok
почта ⟦EMAIL_ADDRESS|иван@пример.рф⟧ работает
call ⟦PHONE_NUMBER|+1 415-555-0162⟧ or ⟦PHONE_NUMBER|(415) 555-0162⟧ or ⟦PHONE_NUMBER|415.555.0162⟧
ring ⟦PHONE_NUMBER|415-555-0162 ext. 22⟧ or ⟦PHONE_NUMBER|415-555-0162x22⟧
toll free ⟦PHONE_NUMBER|1-800-555-0199⟧ for that
mobile ⟦PHONE_NUMBER|07700 900538⟧, office ⟦PHONE_NUMBER|020 7946 0958⟧
also call ⟦PHONE_NUMBER|+44 (0)20 7946 0958⟧
Belfast ⟦PHONE_NUMBER|028 9032 7716⟧ and Leeds ⟦PHONE_NUMBER|0113 496 0255⟧
Tel. ⟦PHONE_NUMBER|030 23125 456⟧ oder ⟦PHONE_NUMBER|+49 171 1234567⟧
oder ⟦PHONE_NUMBER|0171/1234567⟧ mobil
appelez le ⟦PHONE_NUMBER|06 12 34 56 78⟧ ou ⟦PHONE_NUMBER|01.99.00.12.34⟧
ou ⟦PHONE_NUMBER|+33 6 12 34 56 78⟧
llámame al ⟦PHONE_NUMBER|612 345 678⟧ o al ⟦PHONE_NUMBER|+34 612 34 56 78⟧
lui sta al ⟦PHONE_NUMBER|338 571 4092⟧ di sera
bel me op ⟦PHONE_NUMBER|06-12345678⟧ of ⟦PHONE_NUMBER|020 123 4567⟧
zadzwoń: ⟦PHONE_NUMBER|+48 501 234 567⟧
ligue para ⟦PHONE_NUMBER|(11) 91234-5678⟧ ou ⟦PHONE_NUMBER|11 91234-5678⟧
звоните ⟦PHONE_NUMBER|8 (916) 555-03-27⟧ или ⟦PHONE_NUMBER|+7 916 555-03-27⟧
मेरा नंबर ⟦PHONE_NUMBER|91740 26385⟧ है, या ⟦PHONE_NUMBER|+91-91740-26385⟧
返信先は⟦PHONE_NUMBER|080-4417-3926⟧も、固定は⟦PHONE_NUMBER|03-4417-3926⟧まで
手机⟦PHONE_NUMBER|13812345678⟧或者⟦PHONE_NUMBER|138 1234 5678⟧
전화 ⟦PHONE_NUMBER|010-1234-5678⟧ 주세요
Sydney ⟦PHONE_NUMBER|(02) 5550 1234⟧ and mobile ⟦PHONE_NUMBER|0491 570 156⟧
<a href="tel:⟦PHONE_NUMBER|+353 1 234 5678⟧">
from abroad ⟦PHONE_NUMBER|0044 7700 900123⟧
dial ⟦PHONE_NUMBER|2 1 2 5 5 5 0 1 2 3⟧ slowly
my cell: ⟦PHONE_NUMBER|(212)5550123⟧
text me ⟦PHONE_NUMBER|2125550123⟧
⟦PHONE_NUMBER|+1%20212%20555%200123⟧ is escaped, ⟦PHONE_NUMBER|＋１ ２１２ ５５５ ０１２３⟧ is wide
⟦PHONE_NUMBER|212‑555–0123⟧ has odd dashes, ⟦PHONE_NUMBER|212/555/0123⟧ slashes
both: ⟦PHONE_NUMBER|0131 496 0377⟧ / ⟦PHONE_NUMBER|0131 496 0378⟧
phone: ⟦PHONE_NUMBER|555-0123⟧ (local)
Could somebody there call me at ⟦PHONE_NUMBER|(83) 514-369⟧ or ⟦PHONE_NUMBER|34 816 209 4718⟧
card ⟦CREDIT_CARD|4012 8888 8888 1881⟧, amex ⟦CREDIT_CARD|3782 822463 10005⟧
⟦CREDIT_CARD|4111-1111-1111-1111⟧ ⟦CREDIT_CARD|4111.1111.1111.1111⟧
⟦CREDIT_CARD|4111/1111/1111/1111⟧
⟦CREDIT_CARD|4111111111111111⟧ and ⟦CREDIT_CARD|5555555555554444⟧ paid
⟦CREDIT_CARD|4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1⟧ spaced, ⟦CREDIT_CARD|4111_1111_1111_1111⟧ ruled
⟦CREDIT_CARD|４１１１ １１１１ １１１１ １１１１⟧ wide
⟦CREDIT_CARD|4111%201111%201111%201111⟧ escaped
my visa 12/27 is ⟦CREDIT_CARD|1234 5678 9012 3456⟧ I think
卡号⟦CREDIT_CARD|6011111111111117⟧过期了
pay ⟦IBAN_CODE|DE89 3704 0044 0532 0130 00⟧ or ⟦IBAN_CODE|de89370400440532013000⟧
⟦IBAN_CODE|GB82 WEST 1234 5698 7654 32⟧ and ⟦IBAN_CODE|GB29-NWBK-6016-1331-9268-19⟧
IBAN: ⟦IBAN_CODE|FR12 3456 7890 1234 5678 9012 345⟧ (mistyped)
account ⟦IBAN_CODE|NL91ABNA0417164300⟧, ok
from ⟦IP_ADDRESS|94.23.4.17⟧:8080 and [⟦IP_ADDRESS|94.23.4.18⟧]
blocked ⟦IP_ADDRESS|94[.]23[.]4[.]17⟧ and ⟦IP_ADDRESS|94(.)23(.)4(.)17⟧ today
host ⟦IP_ADDRESS|2a02:8108:50bf::8a2e:370⟧ up, [⟦IP_ADDRESS|fe80::1ff:fe23:4567:890a⟧]:22 down
mapped ⟦IP_ADDRESS|::ffff:94.23.4.17⟧ once
src,dst: ⟦IP_ADDRESS|10.73.6.41⟧,backup
my IP is ⟦IP_ADDRESS|203.0.113.42⟧ and his ip ⟦IP_ADDRESS|198.51.100.7⟧
my ip address ⟦IP_ADDRESS|192.168.1.23⟧ in the log
⟦IP_ADDRESS|９４.23.4.17⟧ and 地址⟦IP_ADDRESS|94.23.4.17⟧的
see ⟦URL|https://janedoe-clips.net/m3/?u=jane⟧, ⟦URL|www.janedoe.de/me⟧!
⟦URL|linkedin.com/in/jane-doe⟧ and ⟦URL|github.com/janedoe⟧.
⟦URL|hxxps://janedoe[.]net/a⟧ and ⟦URL|foo-bar.example/~jane⟧
my site ⟦URL|ottilieferncombe-clips.example⟧, blog ⟦URL|jane-doe.dev⟧, shop ⟦URL|annamueller.de⟧
⟦URL|t.me/janedoe⟧ ⟦URL|instagram.com/jane.doe⟧ ⟦URL|medium.com/@janedoe⟧
⟦URL|https%3A//janedoe.net/x⟧ was escaped
My website is ⟦URL|PlumFerry.co.uk⟧
ssn ⟦US_SSN|536-22-8741⟧ on the form
wallet ⟦CRYPTO|1BoatSLRHtKNngkdXEeobR76b53LETtpyT⟧
and my eth ⟦CRYPTO|0x52908400098527886E0F7030069857D2E4169EE7⟧
DEA ⟦MEDICAL_LICENSE|AB1234563⟧ issued
my pw is ⟦SECRET|hunter2⟧ and the wifi password is "⟦SECRET|blue otter⟧"
password: ⟦SECRET|sunshine⟧
the password for the router is ⟦SECRET|bluewhale⟧.
I changed my password to ⟦SECRET|Tr0ub4dor&3⟧, ok?
das Passwort lautet ⟦SECRET|Sommer2020⟧ und mot de passe : ⟦SECRET|soleil22⟧
contraseña: ⟦SECRET|caballo9⟧, senha: ⟦SECRET|cavalo9⟧
пароль: ⟦SECRET|солнце22⟧, 密码是⟦SECRET|abc12345⟧
DB_PASSWORD=⟦SECRET|letmein⟧
export API_TOKEN=⟦SECRET|9f8e7d6c5b4a⟧
{"client_secret": "⟦SECRET|zX9-plover⟧", "user_id": 4}
secret_key = '⟦SECRET|django-insecure-7f$k2⟧'
  password: "⟦SECRET|correct horse⟧"
Server=db;User Id=sa;Password=⟦SECRET|Sw0rdf1sh⟧;Encrypt=yes
AccountName=x;AccountKey=⟦SECRET|q1w2e3r4t5y6==⟧;EndpointSuffix=y
db: postgres⟦SECRET|://ledger_ro:Kd4-bramble-36@db.lan:5432/sales⟧
Authorization: Bearer ⟦SECRET|rqv5KzL8nXd20TbHw6pJs⟧
-H 'Authorization: Basic ⟦SECRET|amFuZTpwbG92ZXI5⟧'
Cookie: ⟦SECRET|sid=8f7e6d; theme=dark⟧
X-API-Key: ⟦SECRET|9f8e7d6c5b4a⟧
mysql -u root -p⟦SECRET|S3crt9⟧ shop
sshpass -p ⟦SECRET|plover⟧ ssh box
./sync --password ⟦SECRET|plover⟧ --port 80
curl -u jane:⟦SECRET|pl0ver⟧ http://localhost:80
my pin is ⟦SECRET|4821⟧, the OTP: ⟦SECRET|482913⟧
her door code is ⟦SECRET|3058D⟧ so I can come back
the verification code is ⟦SECRET|123 456⟧
use the key ⟦SECRET|Zx81kdPq2LmN4rTs9VbC⟧ for it
GET /x?sv=2020&sig=⟦SECRET|abcDEF1234567890abcdEF%2B⟧
seed phrase: ⟦SECRET|ant bear cat dog eagle fox goat hen ibex jay kite lark⟧
lives at ⟦ADDRESS|512 Juniper Bend Rd, Dunmore PA 18512⟧
⟦ADDRESS|31 Tolliver Street⟧, two cars
⟦ADDRESS|221B Baker Street⟧; ⟦ADDRESS|26 Saltmarket Mews apt 2⟧, at noon
⟦ADDRESS|1600 Pennsylvania Ave NW, Washington, DC 20500⟧
⟦ADDRESS|350 5th Avenue, New York, NY 10118⟧
⟦ADDRESS|10 Downing Street, London SW1A 2AA⟧
on the ⟦ADDRESS|2300 blk Marlowe St⟧ north side
at ⟦ADDRESS|6 pelham road⟧ i think
⟦ADDRESS|P.O. Box 1234, Springfield, IL 62701⟧
⟦ADDRESS|Hauptstr. 5, 10115 Berlin⟧ und ⟦ADDRESS|Lindenstraße 12a⟧
⟦ADDRESS|Unter den Linden 77, 10117 Berlin⟧ und ⟦ADDRESS|Postfach 12 34 56⟧
⟦ADDRESS|12 bis, rue de la Paix, 75002 Paris⟧ ou ⟦ADDRESS|93 Rue Lucien Fâbre⟧
⟦ADDRESS|Calle Mayor, 5, 3º B, 28013 Madrid⟧
⟦ADDRESS|Via Roma 12, 00184 Roma⟧
⟦ADDRESS|Wilgengracht 117-3⟧ en ⟦ADDRESS|Dorpsstraat 12, 1234 AB Utrecht⟧
⟦ADDRESS|ul. Marszałkowska 10/12 m. 5, 00-590 Warszawa⟧
⟦ADDRESS|Rua das Flores, 123, São Paulo - SP, 01310-100⟧
⟦ADDRESS|ул. Садовая, 21, кв. 58⟧ дома
⟦ADDRESS|Flat No. 302, Sai Apartments, MG Road, Andheri East, Mumbai 400053⟧
⟦ADDRESS|#45, 3rd Cross, Indiranagar, Bengaluru - 560038⟧
住所は⟦ADDRESS|東京都渋谷区神南1-2-3⟧です
⟦ADDRESS|北京市朝阳区建国路88号⟧
⟦ADDRESS|서울특별시 강남구 테헤란로 152⟧
⟦ADDRESS|Carrera 7 # 45-12⟧ en Bogotá
my zip code is ⟦ADDRESS|90210⟧, postcode ⟦ADDRESS|SW1A 1AA⟧, PLZ ⟦ADDRESS|10115⟧
Address: ⟦ADDRESS|malý dvůr 318, Praha⟧
⟦ADDRESS|Drottninggatan 5, 111 51 Stockholm⟧
at ⟦COORDINATES|48.85837, 2.29448⟧ we met
gps ⟦COORDINATES|52.5200 13.4050⟧ and ⟦COORDINATES|-33.8568,151.2153⟧
⟦COORDINATES|37.7749° N, 122.4194° W⟧
⟦COORDINATES|48°51'30"N 2°17'40"E⟧ or ⟦COORDINATES|geo:48.2082,16.3738⟧
{"lat": ⟦COORDINATES|48.8584⟧, "lng": ⟦COORDINATES|2.2945⟧}
plus code ⟦COORDINATES|8FVC9G8F+6X⟧ or ⟦COORDINATES|///table.lamp.spoon⟧
follow ⟦USERNAME|@jane_doe⟧ and ⟦USERNAME|@quillen88⟧!
username: ⟦USERNAME|jane_doe⟧
my discord is ⟦USERNAME|plover#1234⟧, add me on insta: ⟦USERNAME|jane.doe⟧
u/⟦USERNAME|some_plover⟧ said so
open C:\\Users\\⟦USERNAME|perrin.oakhollow⟧\\a.csv and /home/⟦USERNAME|v.tessenyi⟧/trial/
hostname DESK-09, user ⟦USERNAME|rcastellon⟧
⟦USERNAME|rcastellon⟧@desk-09:~/src$ ls
{"username": "⟦USERNAME|rcastellon⟧", "id": 4}
Name, Login\\nPetra V, ⟦USERNAME|lfennimorer⟧\\nRufus K, ⟦USERNAME|odrakov⟧
plate on the green one ⟦LICENSE_PLATE|4BVX-906⟧
license plate is ⟦LICENSE_PLATE|B-MX 4471⟧, Kennzeichen ⟦LICENSE_PLATE|M-AB 1234⟧
plate ⟦LICENSE_PLATE|QLM 7302⟧ (OR), matrícula ⟦LICENSE_PLATE|1234 BCD⟧
reg no ⟦LICENSE_PLATE|AB12 CDE⟧
born ⟦DATE_OF_BIRTH|10/08/1993⟧, dob ⟦DATE_OF_BIRTH|1967-04-28⟧
DOB: ⟦DATE_OF_BIRTH|June 17th, 1951⟧
date of birth. It's ⟦DATE_OF_BIRTH|09/14/1979⟧
geb. am ⟦DATE_OF_BIRTH|3. März 1984⟧, né le ⟦DATE_OF_BIRTH|3 mars 1984⟧
nacida el ⟦DATE_OF_BIRTH|12 de mayo de 1984⟧, nato il ⟦DATE_OF_BIRTH|12/05/1984⟧
родилась ⟦DATE_OF_BIRTH|12.03.1984⟧, 生年月日は⟦DATE_OF_BIRTH|1984年3月12日⟧です
my birthday is ⟦DATE_OF_BIRTH|March 12⟧
patient (Hollis Wetherby, ⟦DATE_OF_BIRTH|06/23/1958⟧) came
CPF ⟦NATIONAL_ID|529.982.247-25⟧ ou ⟦NATIONAL_ID|11.444.777/0001-61⟧
codice ⟦NATIONAL_ID|RSSMRA85T10A562S⟧, NIE ⟦NATIONAL_ID|X1234567L⟧, DNI ⟦NATIONAL_ID|12345678Z⟧
NINO ⟦NATIONAL_ID|AB 12 34 56 C⟧, NHS number ⟦NATIONAL_ID|943 476 5919⟧
NIR ⟦NATIONAL_ID|1 85 05 78 006 084 91⟧
PESEL ⟦NATIONAL_ID|44051401359⟧, BSN ⟦NATIONAL_ID|111222333⟧
Aadhaar ⟦NATIONAL_ID|2345 6789 0124⟧, PAN ⟦NATIONAL_ID|ABCPE1234F⟧
身份证号⟦NATIONAL_ID|11010519491231002X⟧
HETU ⟦NATIONAL_ID|131052-308T⟧, personnummer ⟦NATIONAL_ID|811218-9876⟧
SIN ⟦NATIONAL_ID|046 454 286⟧, TFN ⟦NATIONAL_ID|123 456 782⟧, NRIC ⟦NATIONAL_ID|S1234567D⟧
CURP ⟦NATIONAL_ID|HEGG560427MVZRRL04⟧, ITIN ⟦NATIONAL_ID|912-78-1234⟧
Steuer-ID ⟦NATIONAL_ID|86095742719⟧
my passport number is ⟦NATIONAL_ID|X1234567⟧, driver's license ⟦NATIONAL_ID|739204586⟧
MRN ⟦ID_NUMBER|6038-417-52⟧, badge ⟦ID_NUMBER|TRB-381946⟧, case no. ⟦ID_NUMBER|63-917-2048⟧
Acct ⟦ID_NUMBER|51-20386⟧ (Mathilde), loan app no. ⟦ID_NUMBER|QF-2024-008142⟧
claim ⟦ID_NUMBER|HB-63-50918⟧, account no. ⟦ID_NUMBER|7315-9046-28⟧. Email
Car ⟦ID_NUMBER|TBLX 517203⟧ says 61F, license ⟦ID_NUMBER|TRB-381946⟧, lic. ⟦ID_NUMBER|TRB-381947⟧
order #⟦ID_NUMBER|9046618⟧ and invoice ⟦ID_NUMBER|INV-58031⟧, booking ref ⟦ID_NUMBER|XK4471P⟧
Kundennummer: ⟦ID_NUMBER|4471902⟧, numéro de client ⟦ID_NUMBER|88213⟧
n.º de cliente: ⟦ID_NUMBER|88214⟧
klantnummer ⟦ID_NUMBER|4471902⟧, номер заказа ⟦ID_NUMBER|4471902⟧, 订单号⟦ID_NUMBER|20231234567⟧
student ID: ⟦ID_NUMBER|s1234567⟧, employee id ⟦ID_NUMBER|E-58031⟧
my policy number is ⟦ID_NUMBER|POL-99812-B⟧
card ending in ⟦ID_NUMBER|4471⟧
IMEI ⟦ID_NUMBER|490154203237518⟧, VIN ⟦ID_NUMBER|1HGCM82633A004352⟧
MAC ⟦ID_NUMBER|a4:1a:2b:3c:4d:5e⟧
tracking ⟦ID_NUMBER|1Z999AA10123456784⟧ or ⟦ID_NUMBER|RR473124829GB⟧
card ⟦CREDIT_CARD|4111 1111 1111 1111⟧ 12/27 123
⟦CREDIT_CARD|4111111111111111⟧ 12/27 737
⟦CREDIT_CARD|4012 8888 8888 1881⟧, 12/27
⟦CREDIT_CARD|4111 1111 1111 1111⟧ (12/27)
paid 25 ⟦CREDIT_CARD|4111 1111 1111 1111⟧
jane,⟦CREDIT_CARD|4111111111111111⟧,12/27,737
amex ⟦CREDIT_CARD|3782 822463 10005⟧ 12/27 1234
curl https://api.example.com/x -u jane:⟦SECRET|pl0ver9⟧
mysql -h sample-db -u root -p⟦SECRET|S3crt9⟧ shop
http -u jane:⟦SECRET|pl0ver9⟧ GET localhost/x
7z a -p⟦SECRET|S3cret9x⟧ out.7z
run:\\n--api-key ⟦SECRET|q1w2e3r4t5⟧
tool -api-key ⟦SECRET|q1w2e3r4t5⟧
locker combination is ⟦SECRET|482913⟧
認証コード: ⟦SECRET|482913⟧
暗証番号は⟦SECRET|4821⟧
your gate code is ⟦SECRET|k7m2p9⟧
my pasword is ⟦SECRET|hunter2⟧
password: ⟦SECRET|Sample99!⟧
password: "⟦SECRET|Example#2020⟧"
DB_PASSWORD=⟦SECRET|Here4you!⟧
password: "⟦SECRET|see you here 9⟧"
postgres⟦SECRET|://app:sample-77@db.corp-x.net/x⟧
docket ⟦ID_NUMBER|4471902⟧ was closed
warrant no. ⟦ID_NUMBER|88231⟧
citation no. ⟦ID_NUMBER|448812⟧
Aktenzeichen: ⟦ID_NUMBER|12-345-67⟧
RMA ⟦ID_NUMBER|58031⟧
réservation n° ⟦ID_NUMBER|58031⟧
group number ⟦ID_NUMBER|884412⟧
beneficiary id ⟦ID_NUMBER|88231442⟧
app no. ⟦ID_NUMBER|QF-2024-008142⟧
factura ⟦ID_NUMBER|58031⟧
lic. ⟦ID_NUMBER|TRB-381946⟧
visa number ⟦NATIONAL_ID|88213407⟧
Né le ⟦DATE_OF_BIRTH|3 mars 1984⟧ à Lyon
Nato il ⟦DATE_OF_BIRTH|12/05/1984⟧
ur. ⟦DATE_OF_BIRTH|12.03.1984⟧
ne le ⟦DATE_OF_BIRTH|3 mars 1984⟧
nací el ⟦DATE_OF_BIRTH|3 de mayo de 1984⟧
F. nac ⟦DATE_OF_BIRTH|03/05/1984⟧
d.ob ⟦DATE_OF_BIRTH|03/05/1984⟧
my birthday is ⟦DATE_OF_BIRTH|March 3⟧
my birthday is ⟦DATE_OF_BIRTH|March 3rd⟧
born ⟦DATE_OF_BIRTH|3 May⟧
birthday: ⟦DATE_OF_BIRTH|5月3日⟧
call ⟦PHONE_NUMBER|+1%C2%A0212%C2%A0555%C2%A00123⟧
call me on ⟦PHONE_NUMBER|415-555-0162⟧ 24/7
mobile ⟦PHONE_NUMBER|07700 900538⟧ 9-5
office ⟦PHONE_NUMBER|020 7946 0958⟧ 12:30
Berlin ⟦PHONE_NUMBER|+49 30 123456 78-90⟧
⟦PHONE_NUMBER|020 7946 0958 020 7946 0959⟧
Cookie: ⟦SECRET|sid=8f7e6d; theme=your_theme_id⟧
(pat: ⟦SECRET|Zx81kdPq2LmN4rTs9VbC⟧)
""".strip().splitlines()

PLAIN = """
import numpy as np; x = np.array([0.512, 0.634, 3.14159])
version 1.2.3.4, v1.2.3.4, presidio 2.2.366, Chrome/110.0.5481.177, pip install a==4.8.0.76
commit 3f786850e387550fdab836ed7e6dc881de23001b fixed it
sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
id 550e8400-e29b-41d4-a716-446655440000 in the table
d41d8cd98f00b204e9800998ecf8427e  file.txt
color: #1a2b3c; background: #fff; margin: 0 auto;
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">
http://localhost:3000/a https://example.com/x http://127.0.0.1:80 https://www.example.org
user@example.com and test@example.com are samples
git clone git@github.com:org/repo.git
npm install lodash@4.17.21 react@18.2.0-beta.1 @types/node @angular/core
@property
@media screen and (max-width: 600px) { a { color: red } }
@Override public String toString() { return "x"; }
@param name the name of it
@dataclass(frozen=True)
@app.route("/login", methods=["POST"])
@pytest.fixture(scope="session")
SELECT * FROM users WHERE id = @id AND d > @StartDate;
icon@2x.png and A@B.mean()
node.js, file.py, package.json, System.out, obj.method, e.g., i.e., etc.
print(self.name.upper()) # see README.md and main.go
java.net.URL and socket.io, asp.net core, Next.js
google.com, amazon.com and wikipedia.org are big
192.168.1.1, 10.0.0.1, 172.16.0.1, 192.168.0.0/16 and 10.0.0.0/8
ping 8.8.8.8 or 1.1.1.1; netmask 255.255.255.0, loopback ::1
169.254.169.254 is the metadata address; 0.0.0.0:8000
std::vector<a>::begin() a::b at 12:30:45
2.1.3.1 Scope of the document
section 4.1.2.3 says so
1.2.3.4.5 and 256.1.1.1 are none
2024-01-02 10:30:45,123 INFO worker-3 finished in 12.345 s
timestamp 1712345678, ms 1712345678123
Revenue 12 345 678 and 1 000 000 in 2023, 1,234,567.89 total
Q1 2023-2024: 1,200-1,500 units at $12.50, 45.2% margin
| 2019 | 12,345 | 0.45 | 1,234,567 |
 17    3.141592  -0.0271828   11.364   11.364
1975-2005 2.3 in 21   35   48
ISBN 978-3-16-148410-0, ISSN 1234-5678, doi 10.1016/j.foodpol.2018.01.011
4111 1111 1111 1112 fails the checksum
DE88 3704 0044 0532 0130 00 too
123 456 789 101 112 units of stock
x = [12, 34, 56, 78, 90, 123, 456]
(2019) 123-145, Journal 49 193–211 (2000)
Smith et al. (1998), 12(3), 45-67
the password is important and must be at least 8 characters
password is required
my password is too weak
Enter your password:
forgot password? reset your password here
password = input("Password: ")
password = getpass.getpass()
connect(user=user, password=password)
{"password": "string", "token": "<your token>"}
token = next_token(2); tokens: 4096; max_tokens=256
api_key = os.environ["API_KEY"]
const secret = process.env.SECRET
password: ${DB_PASSWORD}
type="password" placeholder="Enter password"
password: 'Password is required'
secret: string; the secret to 10-minute meals
the token count is 1234 and the key is to be kind
primary key: id, foreign key (user_id) references users(id)
cache key user_profile_settings_v2
sk-learn-is-a-long-name-of-words task-force
data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAUA
integrity="sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K"
function a(b,c){return b.d(c)}var e=a(f,g);h.i=j
docker run -p 8080:80 -d nginx:1.25
ssh -p 2222 host; mkdir -p a/b/c
error code 404, status code is 500, exit code 137
pin 13 of the board, PIN 7 is ground
the code is clean, area code 212
source code: 1234 lines
case 2 of 3, order 66, step 4, phase 2
case 404: return NotFound();
order 50000 units, account for 10000 users
invoice total 123.45, ticket prices 2024-2025
a file 2023-04-01.txt and test_123.py
the policy of 2019 and policy 2030
401(k) account, form 1040, W-2, section 8
class of 2024, student loans rose 12.5%
in case 12345 is too large
client 10 of 20, customer 12 bought 30
reference frame 2, ref count 3
registration 2024 opens, tag v1.2.3
page 12345, line 10432, row 99812
5 minutes down the road, 3 one way streets
10 miles of road, 4 way stop, 2 different ways
chapter 3 Park, step 1 Place the pot
4 GB USB drive, 1 TB hard drive, route 66
in 2008 Wall Street crashed
top 10 places, 3 place settings, 7 habits
Spring 2024, String 5, Monitoring 24, Platz 3
via Port 8080, Figure 3 Court
08:30 Craig of the Creek, 11:30 The Hollow
20° C and 30° at noon
mean 12.3456, sd 3.1234; loss 0.5123, 0.6340, 0.1234
[12.34567, 45.67890, 78.90123]
C++ 2+2, FF+00, a+b
the username is incorrect, user interface, user experience
username: string; login: root; user = User.objects.get(id=1)
instagram is great, line is busy, twitter: down
issue PR#1234, see #1234, section#4
/home/user/.bashrc /Users/username/x C:\\Users\\Public\\a /home/ubuntu
meeting @noon, @everyone look
emails @ 5pm, 5 @ 3
look at gmail.com, meet at the dot com bubble
the patient was born in 1984; reborn 12/12/2012
my birthday is on the weekend
due 12/03/2020, on 12 March 1984 the war ended
license plates are blue, plate 5, plates 2019
AB1234564 and 000-12-3456 and 536-00-8741
1BoatSLRHtKNngkdXEeobR76b53LETtpyU
0x1f, 0xDEADBEEF, 0b1010, 1e-10
H2O, CO2, C6H12O6, B12, Boeing 747-400, A320-200
ISO 9001:2015, RFC 2616, CVE-2021-44228, IEEE 802.11ax
RTX 4090, i7-12700K, DDR5-6000, USB 3.2
Windows 10 22H2 build 19045.3570
Python 3.11.7 (main, Nov 20 2023, 10:10:10)
12:30-13:45, 9-5, 24/7, 50/50, 1/2 cup
John 3:16, Act 2 Scene 3, Psalm 119:105
2x + 3y = 12; 6.022e23; 1.602176634e-19
the score was 21-14, 3-2, 101-99
area 51, flight 1549, gate 22, room 12
$1,200.50, EUR 12.345,67, 1 234 567 kr
01.02.2024 12:30, 2024/01/15, 20240115 123456
10.0.19045, 4.18.0-305, 5.15.0-91-generic
A1:B20, $A$1, Sheet1!C3:D4
0.1.2, 1.0.0-rc.1+build.5, ^4.17.21, ~1.2.3
pH 7.4, 120/80 mmHg, 98.6 F, 72 bpm
100,200,300; 1;2;3;4;5;6;7;8;9;10
Authorization: Bearer YOUR_TOKEN_1
Authorization: Bearer ${TOKEN1}xx
password: "at least 8 characters"
4111111111111111999999999 is a long number
卡bin：521899、520169、522964
""".strip().splitlines()
